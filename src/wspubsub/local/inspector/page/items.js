// The tab Table: the items as what they are, and raw.

import { button, empty, make, table, when } from "./dom.js";
import { nameOf, plural } from "./format.js";
import { jsonBlock } from "./json.js";
import { LiveView, rowsOf } from "./view.js";

const MAX_SHOWN = 500;
const MAX_WHOLE = 24; // characters

export class Items {
  constructor(panel, api, state) {
    this.text = make("input", { type: "search", placeholder: "text in an item", "aria-label": "Find items", autocomplete: "off", spellcheck: "false" });
    this.isRaw = make("input", { type: "checkbox", id: "items-raw" });
    this.rows = [];
    this.list = make("div", { class: "list" });
    const again = () => { this.view.shown = ""; return this.view.refresh(); };
    this.text.addEventListener("input", () => this.#redraw());
    this.isRaw.addEventListener("change", () => this.#redraw());
    panel.append(make(
      "div",
      { class: "page" },
      make("h2", {}, "Table ", make("span", { class: "mono quiet", text: state.table ?? "" })),
      make(
        "div",
        { class: "toolbar plain" },
        this.text,
        make("label", { class: "check" }, this.isRaw, " Raw items"),
        button("Read again", again),
        this.state = make("span", { class: "quiet" }),
      ),
      this.list,
    ));
    const answers = make("div");
    this.view = new LiveView(answers, api, {
      state,
      method: "items",
      draw: (answer) => {
        this.rows = rowsOf(answer, "items");
        this.#redraw();
        return make("span");
      },
    });
    this.list.append(answers);
    this.answers = answers;
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

  #redraw() {
    const wanted = this.text.value.trim().toLowerCase();
    const found = this.rows.filter((each) => !wanted || JSON.stringify(each).toLowerCase().includes(wanted));
    const kinds = Map.groupBy(found.slice(0, MAX_SHOWN), ({ kind }) => kind);
    this.state.textContent = plural(found.length, "item")
      + (found.length > MAX_SHOWN ? `, the first ${MAX_SHOWN} are shown` : "");
    this.list.replaceChildren(
      this.answers,
      ...(found.length ? [...kinds].map(([kind, rows]) => this.#group(kind, rows)) : [
        this.rows.length ? empty("Nothing matches") : empty("The table has no items"),
      ]),
    );
  }

  #group(kind, rows) {
    return make(
      "section",
      { class: "group" },
      make("h3", {}, nameOf(kind), make("span", { class: "quiet", text: ` ${rows.length}` })),
      this.isRaw.checked
        ? make("div", {}, ...rows.map(({ raw }) => jsonBlock(keyOf(raw), raw)))
        : table(kind, columnsOf(rows), rows),
    );
  }
}

const plain = (value) => (value !== null && typeof value === "object" ? value.S ?? JSON.stringify(value) : String(value));

const keyOf = (raw) => [raw?.pk, raw?.sk].filter((each) => each !== undefined).map(plain).join("  ") || "Item";

/** A column for each attribute that any of the decoded items has. */
function columnsOf(rows) {
  const names = new Set(rows.flatMap(({ decoded }) => Object.keys(decoded ?? {})));
  names.delete("kind");
  return [...names].map((name) => ({
    title: nameOf(name),
    kind: "mono",
    cell: ({ decoded }) => show(name, decoded?.[name]),
  }));
}

const EPOCH = 1_000_000_000;

function show(name, value) {
  if (value === undefined || value === null) return "";
  if (/(_at|since|until)$/.test(name) && typeof value === "number" && value > EPOCH) {
    return when(value);
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  // Names and IDs are easier to compare in one line.
  return make("span", { class: text.length > MAX_WHOLE ? "" : "whole", text });
}
