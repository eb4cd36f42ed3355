// The fields above the trees: find a text, and filter by what a tree is about.

import { find, make } from "./dom.js";
import { FACETS } from "./filter.js";

const MAX_SUGGESTIONS = 200;
const TYPING_MS = 120;

export class FilterBar {
  constructor(filter, changed) {
    this.filter = filter;
    this.changed = changed;
    this.suggested = new Map();
    for (const name of [...FACETS, "outcome", "text"]) {
      const control = this.#control(name);
      control.addEventListener("input", () => this.#typed());
    }
    find("#clear-filter").addEventListener("click", () => this.clear());
  }

  #control(name) {
    return find(`#filter [name="${name}"]`);
  }

  set(name, value) {
    this.#control(name).value = value;
    find("#filter").open = true;
    this.#read();
  }

  clear() {
    find("#filter").querySelectorAll("input, select").forEach((each) => { each.value = ""; });
    this.filter.clear();
    this.#show();
  }

  /** Offer the values that have been seen. */
  suggest(known) {
    for (const facet of FACETS) {
      const values = known[facet];
      if (this.suggested.get(facet) === values.size) continue;
      this.suggested.set(facet, values.size);
      const options = [...values].slice(-MAX_SUGGESTIONS).map((value) => make("option", { value }));
      find(`#known-${facet}`).replaceChildren(...options);
    }
  }

  // Not at each letter: finding a text goes through all entries.
  #typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#read(), TYPING_MS);
  }

  #read() {
    for (const name of [...FACETS, "outcome", "text"]) {
      this.filter.set(name, this.#control(name).value);
    }
    this.#show();
  }

  #show() {
    find("#clear-filter").hidden = !this.filter.isActive;
    this.changed();
  }
}
