// The page: signs in, shows the room that is chosen, and says what happens.

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const url = query.get("url") ?? "ws://127.0.0.1:3001/dev";
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const rooms = new Map();
const ours = new Set(); // our clients: each connection is a new one
let centrifuge, client, shown;

$("name").value = query.get("name") ?? localStorage.getItem("name") ?? "";
$("token").value = query.get("token") ?? "";
$("first-room").value = query.get("room") ?? "lobby";
$("name").required = !$("token").value;
$("token").oninput = () => ($("name").required = !$("token").value);

$("sign-in").onsubmit = (event) => {
  event.preventDefault();
  $("refused").textContent = "";
  const [name, token] = [$("name").value.trim(), $("token").value.trim()];
  localStorage.setItem("name", name);
  centrifuge?.disconnect();
  centrifuge = new Centrifuge(url, token ? { token } : { data: { name } });
  client = new PubSubClient(centrifuge);
  centrifuge.on("connecting", ({ code, reason }) => {
    showConnection(code ? `reconnecting: ${reason}` : "connecting", "connecting");
  });
  centrifuge.on("connected", (ctx) => {
    ours.add(ctx.client);
    showConnection("live", "live");
  });
  // Code 0: somebody signs in again, or nothing answers and `client` reconnects.
  centrifuge.on("disconnected", ({ code, reason }) => code && leave(code, reason));
  // A server-side subscription: the user's own topic.
  centrifuge.on("publication", ({ data }) => notify(textOf(data)));
  client.subscribe("news", {
    message({ data }) {
      $("news").hidden = false;
      $("news").lastElementChild.textContent = textOf(data);
    },
    lost() {}, // the newest message is all that is shown
  });
  rooms.clear();
  open($("first-room").value);
  centrifuge.connect();
  $("entrance").hidden = true;
  $("chat").hidden = false;
};

$("enter").onsubmit = (event) => {
  event.preventDefault();
  open($("new-room").value);
  $("new-room").value = "";
};

$("say").onsubmit = async (event) => {
  event.preventDefault();
  const text = $("text").value;
  if (!text.trim()) return;
  $("text").value = "";
  $("say").setAttribute("aria-busy", "true");
  try {
    await shown.say(text);
  } catch (error) {
    $("text").value ||= text; // nothing that was written is lost
    notify(`Perhaps not sent: ${error.message}`); // or only its reply is missing
  } finally {
    $("say").removeAttribute("aria-busy");
  }
};

function open(id) {
  if (!rooms.has(id)) rooms.set(id, new Room(client, id, draw));
  const room = rooms.get(id);
  if (room.state === "left") room.sub.subscribe();
  shown = room;
  draw(room);
  $("text").focus();
}

function leave(code, reason) {
  $("chat").hidden = true;
  $("entrance").hidden = false;
  $("refused").textContent = `You were disconnected: ${reason} (${code}).`;
}

function showConnection(text, state) {
  $("connection").textContent = text;
  $("connection").dataset.state = state;
}

function draw(room) {
  if (room === shown) {
    room.unread = 0;
    $("room").textContent = room.id;
    $("text").disabled = room.state === "left";
    drawMessages(room);
    drawPeople(room);
  }
  drawRooms();
}

function drawMessages(room) {
  const list = $("messages");
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const lines = room.messages.map((message, index, all) =>
    message.isGap ? note("Some messages are missing here.") : drawMessage(message, all[index - 1]));
  if (room.state === "left") lines.push(note(`You are not in this room any more: ${room.reason}.`));
  else if (!lines.length) lines.push(note("Nothing was said in the last five minutes."));
  list.replaceChildren(...lines);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

function drawMessage({ data, info }, previous) {
  const line = element("li");
  line.classList.toggle("ours", isOurs(info));
  line.classList.toggle("follows", previous !== undefined && previous.info?.client === info?.client);
  line.append(element("b", {}, nameOf(info)), element("p", {}, textOf(data), clock(data?.at)));
  return line;
}

function drawPeople(room) {
  const people = new Map(); // the devices of each user; who has no user ID is one alone
  for (const info of room.people.values()) {
    const key = info.user || info.client;
    people.set(key, [...(people.get(key) ?? []), info]);
  }
  const here = [...people.values()].map((infos) => ({
    name: nameOf(infos[0]),
    isUs: infos.some(isOurs),
    devices: infos.length,
  }));
  here.sort((one, other) => other.isUs - one.isUs || one.name.localeCompare(other.name));
  $("count").textContent = here.length || "";
  $("people").replaceChildren(...here.map(({ name, isUs, devices }) => {
    const about = [isUs ? "you" : "", devices > 1 ? `${devices} devices` : ""];
    return element("li", {}, name, element("small", {}, about.filter(Boolean).join(", ")));
  }));
}

function drawRooms() {
  $("rooms").replaceChildren(...[...rooms.values()].map((room) => {
    const button = element("button", { type: "button", onclick: () => open(room.id) }, room.id);
    if (room === shown) button.setAttribute("aria-current", "true");
    if (room.unread) button.append(element("span", { title: "unread" }, `${room.unread}`));
    return element("li", {}, button);
  }));
}

function notify(text) {
  const close = () => notice.remove();
  const button = element("button", { type: "button", title: "Close", onclick: close }, "×");
  const notice = element("p", {}, text, button);
  $("notices").append(notice);
}

function clock(at) {
  if (typeof at !== "number" || Number.isNaN(new Date(at).getTime())) return "";
  return element("time", { dateTime: new Date(at).toISOString() }, time.format(at));
}

// What others send may be anything.
function textOf(data) {
  return typeof data?.text === "string" ? data.text : JSON.stringify(data) ?? "";
}

function nameOf(info) {
  const name = info?.connInfo?.name;
  return (typeof name === "string" && name) || info?.user || "somebody";
}

function isOurs(info) {
  return ours.has(info?.client);
}

function note(text) {
  return element("li", { className: "note" }, text);
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
