// What the views besides Activity share: they ask the gateway again while they are seen.

import { empty, make, replaceContent } from "./dom.js";

const REFRESH_MS = 3000;
const SOON_MS = 300;

/**
 * A view that is read from one method of the API.
 *
 * Args: `place` is filled with what `draw(answer)` returns, when the answer has changed.
 */
export class LiveView {
  constructor(place, api, { state, method, parameters = () => ({}), draw }) {
    Object.assign(this, { place, api, method, parameters, draw });
    this.isThere = hasMethod(state, method);
    this.isShown = false;
    this.shown = "";
  }

  show() {
    if (!this.isThere) return this.#draw("not there", explainAbsence);
    this.isShown = true;
    // The first answer may take a while: AWS's SDK is loaded for it.
    if (!this.place.hasChildNodes()) this.place.append(make("p", { class: "quiet", text: "Reading…" }));
    return this.refresh();
  }

  hide() {
    this.isShown = false;
    clearTimeout(this.timer);
  }

  /** Ask again soon: something has happened. */
  heard() {
    if (this.isShown && !this.isSoon) this.#plan(SOON_MS);
  }

  async refresh() {
    this.#plan(REFRESH_MS);
    if (document.hidden) return;
    try {
      const answer = await this.api.call(this.method, this.parameters());
      this.#draw(JSON.stringify(answer), () => this.draw(answer));
    } catch (error) {
      if (error.isLost) return; // the banner says so
      this.#draw(error.message, () => empty("This cannot be shown", error.message));
    }
  }

  #draw(shown, draw) {
    if (shown === this.shown) return;
    this.shown = shown;
    replaceContent(this.place, draw());
  }

  #plan(milliseconds) {
    this.isSoon = milliseconds === SOON_MS;
    clearTimeout(this.timer);
    if (this.isShown) this.timer = setTimeout(() => this.refresh(), milliseconds);
  }
}

const explainAbsence = () =>
  empty("Not available", "This gateway does not have what this view shows.");

/** Whether a gateway has a method; those of `state` are all there are. */
export const hasMethod = (state, name) => !state.methods || state.methods.includes(name);

/** The rows of an answer: the answer itself, or what it holds under a name. */
export const rowsOf = (answer, name) => (Array.isArray(answer) ? answer : answer?.[name] ?? []);
