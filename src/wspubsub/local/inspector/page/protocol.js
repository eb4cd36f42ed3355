// Centrifugo's client protocol, JSON: as much of it as a test client needs.

import { parseJson } from "./format.js";

const PATIENCE_MS = 30_000;

export class ProtocolClient {
  #last = 0;
  #waiting = new Map();

  /** Args: `sent` and `came` get each line as text. */
  constructor(socket, { sent, came }) {
    this.socket = socket;
    this.sent = sent;
    socket.addEventListener("message", ({ data }) => {
      for (const line of String(data).split("\n").filter(Boolean)) {
        came(line);
        this.#take(parseJson(line));
      }
    });
    socket.addEventListener("close", () => this.#failAll());
  }

  /** Send a command and return its reply; raises an Error with the reply's code. */
  call(name, parameters) {
    this.#last += 1;
    const id = this.#last;
    const text = JSON.stringify({ id, [name]: parameters });
    this.socket.send(text);
    this.sent(text);
    return new Promise((resolve, reject) => {
      const fail = (problem) => reject(new Error(`${name}: ${problem}`));
      const timer = setTimeout(() => fail("no reply came"), PATIENCE_MS);
      this.#waiting.set(id, { timer, fail, name, resolve });
    });
  }

  #take(message) {
    const waiting = this.#waiting.get(message?.id);
    if (!waiting) return; // a push, or what is not JSON: the log shows it
    this.#waiting.delete(message.id);
    clearTimeout(waiting.timer);
    const { error } = message;
    if (error) waiting.fail(`error ${error.code} ${error.message ?? ""}`.trim());
    else waiting.resolve(message[waiting.name] ?? {});
  }

  #failAll() {
    for (const { timer, fail } of this.#waiting.values()) {
      clearTimeout(timer);
      fail("the connection was closed");
    }
    this.#waiting.clear();
  }
}
