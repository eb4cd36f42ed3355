// What a test client has sent and received, newest last.

import { button, make } from "./dom.js";
import { timeOfDay } from "./format.js";

const MAX_LINES = 300;
const NAMES = { in: "received", out: "sent", note: "" };

export class MessageLog {
  constructor(name) {
    // Not live: a busy topic would talk over everything else.
    this.list = make("ol", { class: "messages", tabindex: "0", "aria-label": name });
    this.element = make("div", { class: "log" }, this.list, button("Clear", () => this.list.replaceChildren(), { class: "small" }));
  }

  add(kind, text) {
    const { scrollTop, clientHeight, scrollHeight } = this.list;
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - 4;
    this.list.append(make(
      "li",
      { class: kind },
      make("time", { text: timeOfDay(Date.now() / 1000) }),
      make("span", { class: "direction", text: NAMES[kind] }),
      make("code", { text }),
    ));
    while (this.list.children.length > MAX_LINES) this.list.firstChild.remove();
    if (isAtEnd) this.list.scrollTop = this.list.scrollHeight;
  }
}
