// The tab Costs: what AWS would bill for what has happened since the gateway started.

import { empty, facts, make, table } from "./dom.js";
import { LiveView } from "./view.js";

export class Costs {
  constructor(panel, api, state) {
    const list = make("div", { class: "list" });
    panel.append(make("div", { class: "page" }, make("h2", { text: "What it would cost" }), list));
    this.view = new LiveView(list, api, { state, method: "costs", draw });
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
}

const title = (name) => {
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
};

const isRows = (value) => Array.isArray(value) && value.every((each) => each !== null && typeof each === "object");
const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** Draw whatever the gateway counts: figures first, then a table for each breakdown. */
function draw(costs) {
  const entries = Object.entries(costs);
  const plain = entries.filter(([, value]) => !isRows(value) && !isMap(value));
  const blocks = entries.filter(([, value]) => isRows(value) || isMap(value));
  if (!entries.length) return empty("Nothing has been counted yet");
  return make("div", {},
    facts(plain.map(([name, value]) => [title(name), cell(name, value)])),
    ...blocks.map(([name, value]) => block(name, value)),
  );
}

function block(name, value) {
  const head = make("h3", { text: title(name) });
  if (isRows(value)) return make("section", { class: "group" }, head, rowsTable(name, value));
  const rows = Object.entries(value);
  if (rows.length && rows.every(([, each]) => isMap(each))) {
    return make("section", { class: "group" }, head,
      rowsTable(name, rows.map(([key, each]) => ({ [""]: key, ...each }))));
  }
  return make("section", { class: "group" }, head,
    facts(rows.map(([key, each]) => [title(key), cell(`${name} ${key}`, each)])));
}

function rowsTable(name, rows) {
  if (!rows.length) return make("p", { class: "quiet", text: "None yet." });
  const names = [...new Set(rows.flatMap(Object.keys))];
  return table(title(name), names.map((each) => ({
    title: each ? title(each) : "",
    kind: typeof rows[0][each] === "number" ? "number" : "",
    cell: (row) => cell(each, row[each]),
  })), rows);
}

const dollars = new Intl.NumberFormat("en", {
  style: "currency", currency: "USD", maximumSignificantDigits: 3,
});

function cell(name, value) {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") {
    if (/dollars|prices/.test(name)) return dollars.format(value);
    return new Intl.NumberFormat("en", { maximumFractionDigits: 3 }).format(value);
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
