// Test clients in the page: raw ones, and ones that speak a PubSub's protocol.

import { attempt, button, field, make } from "./dom.js";
import { MessageLog } from "./messagelog.js";
import { parseJson } from "./format.js";
import { ProtocolClient } from "./protocol.js";

export class TestClients {
  constructor(place, state) {
    this.state = state;
    this.cards = make("div", { class: "cards" });
    this.made = 0;
    place.append(
      make(
        "header",
        { class: "section-head" },
        make("h2", { text: "Test clients" }),
        button("Open a raw client", () => this.#open(RawCard), { id: "open-raw" }),
        button("Open a PubSub client", () => this.#open(PubSubCard), { id: "open-pubsub" }),
      ),
      make("p", {
        class: "quiet",
        text: state.is_pubsub
          ? "Clients in this page. This application is a PubSub: its clients connect, subscribe and publish by commands."
          : "Clients in this page. A raw client sends what you type; a PubSub client speaks the protocol of a PubSub.",
      }),
      this.cards,
    );
  }

  /** What the page calls a client that has said which connection it is. */
  nameOf(id) {
    return [...this.cards.children].map((each) => each.client).find((each) => each.connection === id)?.name ?? null;
  }

  #open(Card) {
    this.made += 1;
    const card = new Card(`Client ${this.made}`, this.state.url);
    card.element.client = card;
    this.cards.append(card.element);
    card.element.querySelector("input, textarea")?.focus();
  }
}

/** A card with a socket, its log, and what closes it. */
class Card {
  constructor(name, url) {
    this.name = name;
    this.url = urlOfPage(url);
    this.connection = null;
    this.socket = null;
    this.log = new MessageLog(`Messages of ${name}`);
    this.state = make("span", { class: "quiet", text: "not connected" });
    this.connectButton = button("Connect", () => this.connect(), { class: "primary" });
    this.closeButton = button("Disconnect", () => this.socket?.close(1000), { disabled: true });
    this.element = make(
      "article",
      { class: "card", "aria-label": name },
      make(
        "header",
        {},
        make("h3", { text: name }), this.state,
        button("Remove", () => this.remove(), { class: "small", "aria-label": `Remove ${name}` }),
      ),
    );
  }

  remove() {
    this.socket?.close(1000);
    this.element.remove();
  }

  openSocket(query) {
    this.socket?.close(1000);
    const url = query ? `${this.url}?${query.replace(/^\?/, "")}` : this.url;
    const socket = this.socket = new WebSocket(url);
    this.#become("connecting");
    let hasOpened = false;
    socket.addEventListener("open", () => {
      hasOpened = true;
      this.#become("connected");
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (socket !== this.socket) return;
      this.connection = null;
      this.#become("not connected");
      // Browsers do not say why; the gateway does, in Activity.
      this.log.add("note", hasOpened
        ? `closed with ${code}${reason ? ` ${reason}` : ""}`
        : "refused; Activity says why");
    });
    return socket;
  }

  #become(text) {
    this.state.textContent = text;
    this.element.dataset.state = text;
    const isClosed = text === "not connected";
    this.connectButton.disabled = !isClosed;
    this.closeButton.disabled = isClosed;
    for (const each of this.element.querySelectorAll("[data-needs-socket]")) {
      each.disabled = text !== "connected";
    }
  }
}

class RawCard extends Card {
  constructor(name, url) {
    super(name, url);
    this.query = make("input", { placeholder: "name=value&…", autocomplete: "off", spellcheck: "false" });
    this.text = make("textarea", { rows: 3, spellcheck: "false", placeholder: '{"action": "…"}' });
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.send();
    });
    this.element.append(
      field("Query", this.query, "Browsers cannot add headers to a WebSocket."),
      make("div", { class: "buttons" }, this.connectButton, this.closeButton),
      field("Message", this.text),
      make("div", { class: "buttons" }, button("Send", () => this.send(), {
        "data-needs-socket": true, disabled: true, title: "Ctrl+Enter",
      })),
      this.log.element,
    );
  }

  connect() {
    const socket = this.openSocket(this.query.value);
    socket.addEventListener("message", ({ data }) => this.log.add("in", String(data)));
  }

  send() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(this.text.value);
    this.log.add("out", this.text.value);
  }
}

class PubSubCard extends Card {
  constructor(name, url) {
    super(name, url);
    this.token = make("input", { autocomplete: "off", spellcheck: "false", placeholder: "none" });
    this.topic = make("input", { autocomplete: "off", spellcheck: "false", placeholder: "room:lobby" });
    this.data = make("textarea", { rows: 2, spellcheck: "false", placeholder: '{"text": "hello"}' });
    const command = (text, run) =>
      button(text, () => attempt(run), { "data-needs-socket": true, disabled: true });
    this.element.append(
      field("Token", this.token),
      make("div", { class: "buttons" }, this.connectButton, this.closeButton),
      field("Topic", this.topic),
      make(
        "div",
        { class: "buttons" },
        command("Subscribe", () => this.#command("subscribe", { channel: this.topic.value })),
        command("Unsubscribe", () => this.#command("unsubscribe", { channel: this.topic.value })),
        command("Presence", () => this.#command("presence", { channel: this.topic.value })),
        command("History", () => this.#command("history", { channel: this.topic.value, limit: -1 })),
      ),
      field("Data", this.data, "JSON; anything else is sent as a text."),
      make(
        "div",
        { class: "buttons" },
        command("Publish", () => this.#command("publish", { channel: this.topic.value, data: this.#data() })),
      ),
      this.log.element,
    );
  }

  connect() {
    const socket = this.openSocket("");
    this.protocol = new ProtocolClient(socket, {
      sent: (text) => this.log.add("out", text), came: (text) => this.log.add("in", text),
    });
    socket.addEventListener("open", () => {
      const token = this.token.value.trim();
      attempt(async () => {
        const reply = await this.#command("connect", token ? { token } : {});
        this.connection = reply.client ?? null;
      });
    });
  }

  #command(name, parameters) {
    return this.protocol.call(name, parameters);
  }

  #data() {
    const value = parseJson(this.data.value);
    return value === undefined ? this.data.value : value;
  }
}

// The gateway may be told to listen on a name that this page was not opened by.
function urlOfPage(url) {
  const found = new URL(url);
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}${found.pathname}`;
}
