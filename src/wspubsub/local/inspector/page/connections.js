// The tab Connections: who is connected, what one can do to them, and test clients.

import { attempt, button, empty, make, table } from "./dom.js";
import { bytes, count, span } from "./format.js";
import { TestClients } from "./clients.js";
import { hasMethod, LiveView, rowsOf } from "./view.js";

const SPEEDS = [["", "Full speed"], ["100", "100 bytes/s"], ["1000", "1 KB/s"], ["10000", "10 KB/s"]];

export class Connections {
  constructor(panel, api, state) {
    this.api = api;
    this.state = state;
    const list = make("div", { class: "list" });
    const clients = make("section", { class: "clients" });
    panel.append(
      make("div", { class: "page" }, make("h2", { text: "Connections" }), list, clients),
    );
    this.view = new LiveView(list, api, {
      state, method: "connections", draw: (answer) => this.#draw(rowsOf(answer, "connections")),
    });
    this.clients = new TestClients(clients, state);
  }

  show() {
    return this.view.show();
  }

  hide() {
    this.view.hide();
  }

  heard() {
    this.view.heard();
  }

  #draw(rows) {
    if (!rows.length) {
      return empty("Nobody is connected", "Connect a client of yours, or open a test client below.");
    }
    return table("Connections", [
      { title: "Connection", kind: "mono", cell: ({ id }) => this.#name(id) },
      { title: "Since", cell: ({ since }) => this.#since(since) },
      { title: "User", cell: ({ user }) => user ?? "" },
      { title: "Topics", cell: ({ topics }) => (topics ?? []).join(", ") },
      { title: "In", kind: "number", cell: (row) => traffic(row.in, row.bytes_in) },
      { title: "Out", kind: "number", cell: (row) => traffic(row.out, row.bytes_out) },
      { title: "Queue", kind: "number", cell: (row) => this.#queue(row) },
      { title: "Actions", kind: "row-actions", cell: (row) => this.#actions(row) },
    ], rows);
  }

  #name(id) {
    const own = this.clients.nameOf(id);
    return make("span", {}, id, own ? make("span", { class: "tag out", text: own }) : "");
  }

  // In real time, however far the gateway's clock was advanced.
  #since(since) {
    const seconds = Date.now() / 1000 - since;
    return make("time", {
      datetime: new Date(since * 1000).toISOString(), title: new Date(since * 1000).toISOString(),
      text: new Date(since * 1000).toLocaleTimeString() + (seconds > 60 ? ` (${span(seconds)})` : ""),
    });
  }

  #queue({ queued_bytes: queued, bytes_per_second: rate }) {
    const size = queued ? bytes(queued) : "";
    return rate ? `${size || "empty"}, slow` : size;
  }

  #actions({ id, bytes_per_second: rate }) {
    const act = (method, parameters, done) => () =>
      attempt(() => this.api.call(method, { connection: id, ...parameters }), done)
        .then(() => this.view.refresh());
    const box = make("span", { class: "buttons" });
    const offer = (method, text, title, done) => {
      if (!hasMethod(this.state, method)) return;
      box.append(button(text, act(method, {}, done), {
        class: "small", title, "aria-label": `${text} ${id}`,
      }));
    };
    offer("close", "Close", "Close it as the server would, with a close frame", `${id} is closed`);
    offer("drop", "Drop", "Cut it without a close frame: the client is gone without a word", `${id} is cut off`);
    if (hasMethod(this.state, "slow")) {
      const choice = make(
        "select",
        { "aria-label": `Speed of ${id}`, title: "How fast this client reads" },
        ...SPEEDS.map(([value, text]) => make("option", { value, text })),
      );
      const speed = String(rate ?? "");
      if (SPEEDS.every(([value]) => value !== speed)) {
        choice.append(make("option", { value: speed, text: `${bytes(rate)}/s` }));
      }
      choice.value = speed;
      choice.addEventListener("change", () => {
        const wanted = choice.value === "" ? null : Number(choice.value);
        return act("slow", { bytes_per_second: wanted }, `${id} reads at ${choice.selectedOptions[0].text}`)();
      });
      box.append(choice);
    }
    return box;
  }
}

const traffic = (messages, size) =>
  messages === undefined ? "" : `${count(messages)}${messages ? ` (${bytes(size ?? 0)})` : ""}`;

