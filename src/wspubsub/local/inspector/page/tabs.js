// The tabs: one panel is shown; arrows move between them; the address names the panel.

import { find } from "./dom.js";

export class Tabs {
  /** Args: `shown(name)` is called when a panel is shown. */
  constructor(shown) {
    this.shown = shown;
    this.tabs = [...document.querySelectorAll("[role=tab]")];
    for (const [index, tab] of this.tabs.entries()) {
      tab.addEventListener("click", () => this.show(index));
      tab.addEventListener("keydown", (event) => this.#key(event, index));
    }
  }

  get names() {
    return this.tabs.map((tab) => tab.getAttribute("aria-controls"));
  }

  /** Show a panel by its place or its name. */
  show(which) {
    const wanted = typeof which === "number" ? which : this.names.indexOf(which);
    for (const [index, tab] of this.tabs.entries()) {
      const is = index === wanted;
      tab.setAttribute("aria-selected", String(is));
      tab.tabIndex = is ? 0 : -1;
      find(`#${this.names[index]}`).hidden = !is;
    }
    this.current = this.names[wanted];
    this.tabs[wanted].scrollIntoView({ inline: "nearest", block: "nearest" });
    this.shown(this.current);
  }

  #key(event, index) {
    const last = this.tabs.length - 1;
    const to = {
      ArrowRight: index === last ? 0 : index + 1, ArrowLeft: index === 0 ? last : index - 1,
      Home: 0, End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.tabs[to].focus();
    this.show(to);
  }
}
