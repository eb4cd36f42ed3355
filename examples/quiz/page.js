// The page: enters a room, shows where its quiz stands, and sends what is tapped.

import { PubSubClient } from "./node_modules/wspubsub/index.js";

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const url = query.get("url") ?? "ws://127.0.0.1:3001/dev";
// Whoever knows it is this player: it stays on this phone.
const secret = (localStorage.secret ??= crypto.getRandomValues(new Uint32Array(4)).join("-"));
let people = new Map(); // by client, of which a player may have several
let heard; // who comes and goes while we ask who is here
let client, me, quiz, answered;

$("name").value = query.get("name") ?? localStorage.name ?? "";
$("room").value = query.get("room") ?? "lobby";

$("entrance").onsubmit = (event) => {
  event.preventDefault();
  const name = (localStorage.name = $("name").value.trim());
  const room = $("room").value;
  const centrifuge = new Centrifuge(url, { data: { name, secret } });
  client = new PubSubClient(centrifuge);
  centrifuge.on("connecting", ({ code, reason }) => {
    show("connection", code ? `reconnecting: ${reason}` : "connecting").dataset.state = "connecting";
  });
  centrifuge.on("connected", ({ data }) => {
    me = data.user;
    show("connection", "live").dataset.state = "live";
  });
  centrifuge.on("disconnected", ({ code, reason }) => leave(code && `${reason} (${code})`));

  // Each message says it all, so nothing is lost by what is left out.
  const sub = client.subscribe(`quiz:${room}`, { message: ({ data }) => draw(data), lost() {} });
  sub.on("subscribed", () => meetAll(sub));
  sub.on("join", ({ info }) => note(info.client, info));
  sub.on("leave", ({ info }) => note(info.client, null));
  client.subscribe("news", { message: ({ data }) => drawNews(data), lost() {} });

  show("title", room);
  $("go-on").onclick = () => call("go_on", { room, number: quiz.number + 1 });
  $("choices").onclick = ({ target }) => target.value && give(room, Number(target.value));
  centrifuge.connect();
  $("entrance").hidden = true;
  $("quiz").hidden = false;
};

async function give(room, choice) {
  const { number } = quiz;
  if (!(await call("answer", { room, number, choice }))) return;
  answered = { number, choice };
  draw(quiz);
}

async function call(method, data) {
  try {
    await client.rpc(method, data);
    show("told", "");
    return true;
  } catch ({ message }) {
    show("told", `${message[0].toUpperCase()}${message.slice(1)}.`);
  }
}

function draw(data) {
  if (data.number !== quiz?.number) show("told", "");
  quiz = data;
  const isHost = quiz.host === me;
  const isOver = quiz.number >= 0 && !quiz.text;
  const given = answered?.number === quiz.number ? answered.choice : undefined;
  $("solution").hidden = !quiz.solution;
  $("solution").lastElementChild.textContent = quiz.solution;
  show("text", quiz.text ?? (isOver ? "That was all!" : isHost ? "Start when all are here" : "Wait for the host to start"));
  $("choices").replaceChildren(...(quiz.choices ?? []).map((text, value) => {
    const button = element("button", text);
    Object.assign(button, { value, disabled: given !== undefined });
    button.setAttribute("aria-pressed", value === given);
    return button;
  }));
  $("go-on").hidden = !isHost || isOver;
  $("go-on").textContent = quiz.number < 0 ? "Start" : "Go on";
  const scores = Object.entries(quiz.scores).sort(([, one], [, other]) => other.points - one.points);
  $("scores").replaceChildren(...scores.map(([user, { name, points }]) => {
    const line = element("li", `${name} `);
    line.append(element("b", points));
    line.classList.toggle("ours", user === me);
    return line;
  }));
}

function drawNews({ room }) {
  const link = $("news").firstElementChild;
  link.textContent = room;
  link.href = `?${new URLSearchParams({ url, room })}`;
  $("news").hidden = false;
}

async function meetAll(sub) {
  const meanwhile = (heard = new Map());
  const { clients } = await sub.presence().catch(() => ({}));
  if (!clients || heard !== meanwhile) return; // asked again next time
  people = new Map(Object.entries(clients));
  for (const [id, info] of meanwhile) note(id, info);
  drawPeople();
}

function note(id, info) {
  heard.set(id, info);
  if (info) people.set(id, info);
  else people.delete(id);
  drawPeople();
}

function drawPeople() {
  const names = new Map([...people.values()].map(({ user, connInfo }) => [user, connInfo.name]));
  show("here", names.size ? `Here: ${[...names.values()].sort().join(", ")}` : "");
}

function leave(why) {
  $("quiz").hidden = true;
  $("entrance").hidden = false;
  show("refused", why ? `You were disconnected: ${why}.` : "");
}

function show(id, text) {
  $(id).textContent = text;
  return $(id);
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
