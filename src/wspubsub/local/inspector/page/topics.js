// The tab Topics: who is subscribed and present, the log, and publishing as the server.

import { attempt, button, empty, facts, field, make, table, when } from "./dom.js";
import { reportText } from "./describe.js";
import { count, plural } from "./format.js";
import { hasMethod, LiveView, rowsOf } from "./view.js";

export class Topics {
  constructor(panel, api, state) {
    this.api = api;
    this.state = state;
    this.chosen = null;
    const list = make("div", { class: "list" });
    this.about = make("div", { class: "about" });
    panel.append(make(
      "div",
      { class: "page" },
      make("h2", { text: "Topics" }),
      make("div", { class: "split" },
        make("div", {}, list, this.about), make("div", { class: "side" }, this.#publisher())),
    ));
    this.list = new LiveView(list, api, {
      state, method: "topics", draw: (answer) => this.#drawList(rowsOf(answer, "topics")),
    });
    this.topic = new LiveView(this.about, api, {
      state,
      method: "topic",
      parameters: () => ({ topic: this.chosen }),
      draw: (answer) => drawTopic(answer),
    });
  }

  show() {
    if (this.chosen !== null) this.topic.show();
    return this.list.show();
  }

  hide() {
    this.list.hide();
    this.topic.hide();
  }

  heard() {
    this.list.heard();
    this.topic.heard();
  }

  choose(topic) {
    this.chosen = topic;
    if (this.input) this.input.value = topic;
    this.topic.shown = "";
    this.topic.show().then(() => this.about.scrollIntoView({ block: "nearest" }));
    this.list.shown = "";
    this.list.refresh();
  }

  #drawList(rows) {
    if (!rows.length) return empty("No topics", "A topic is here as soon as somebody subscribes or publishes to it.");
    return table("Topics", [
      { title: "Topic", kind: "mono", cell: ({ topic }) => button(topic, () => this.choose(topic), {
        class: "link", "aria-pressed": String(topic === this.chosen), "aria-label": `Show ${topic}`,
      }) },
      { title: "Subscribers", kind: "number", cell: (row) => size(row.subscribers) },
      { title: "Present", kind: "number", cell: (row) => size(row.presence) },
      { title: "Last offset", kind: "number", cell: (row) => row.last_offset ?? "" },
    ], rows);
  }

  #publisher() {
    if (!hasMethod(this.state, "publish")) return "";
    this.input = make("input", { name: "publish-topic", autocomplete: "off", spellcheck: "false" });
    const data = make("textarea", { rows: 3, spellcheck: "false", name: "publish-data", placeholder: '{"text": "hello"}' });
    const publish = () => attempt(
      () => this.api.call("publish", { topic: this.input.value, text: data.value }),
      (report) => `Published to ${this.input.value}: ${reportText(report)}`,
    ).then(() => this.show());
    return make(
      "section",
      { class: "card" },
      make("h3", { text: "Publish as the server" }),
      field("Topic", this.input),
      field("Data", data, this.state.is_pubsub
        ? "JSON; anything else is published as a text."
        : "Clients get it as it stands here."),
      make("div", { class: "buttons" }, button("Publish", publish, { class: "primary", id: "publish" })),
    );
  }
}

const size = (value) => (Array.isArray(value) ? count(value.length) : value ?? "");

function drawTopic({ topic, subscribers = [], presence = [], history = [] }) {
  // What begins an epoch stands in the log without a message.
  const messages = history.filter(({ data }) => data !== undefined);
  return make(
    "div",
    {},
    make("h3", { class: "mono", text: topic ?? "" }),
    facts([
      ["Subscribers", plural(subscribers.length, "connection")],
      ["Present", plural(presence.length, "connection")],
      ["Kept messages", count(messages.length)],
    ]),
    make("h4", { text: "Subscribers" }),
    subscribers.length ? make("ul", { class: "mono ids" }, ...subscribers.map(subscriber)) : make("p", { class: "quiet", text: "Nobody is subscribed." }),
    presence.length ? make("h4", { text: "Present" }) : null,
    presence.length ? table("Present", presenceColumns, presence) : null,
    make("h4", { text: "Log" }),
    history.length ? table("Log", historyColumns, history) : make("p", { class: "quiet", text: "The log has no messages of this topic." }),
  );
}

const idOf = (value) => (typeof value === "string" ? value : value.connection ?? value.connection_id ?? value.id);

const subscriber = (value) =>
  make("li", { text: [idOf(value), typeof value === "string" ? null : value.user].filter(Boolean).join("  ") });

const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

const presenceColumns = [
  { title: "Connection", kind: "mono", cell: idOf },
  { title: "User", cell: (row) => row.user ?? row.user_id ?? "" },
  { title: "Info", kind: "mono", cell: (row) => (row.info === undefined || row.info === null ? "" : text(row.info)) },
];

const historyColumns = [
  { title: "Offset", kind: "number", cell: (row) => row.offset ?? row.position?.offset ?? "" },
  { title: "Epoch", kind: "mono", cell: (row) => row.epoch ?? row.position?.epoch ?? "" },
  { title: "Published", cell: (row) => (row.published_at ? when(row.published_at) : "") },
  { title: "Data", kind: "mono", cell: (row) => (
    row.data === undefined ? make("span", { class: "quiet", text: "an epoch begins" }) : text(row.data)) },
];

