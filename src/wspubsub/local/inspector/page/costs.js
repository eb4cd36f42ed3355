// The tab Costs: what AWS would bill for what has happened since the gateway started.

import { facts, make, table } from "./dom.js";
import { count } from "./format.js";
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

const dollars = new Intl.NumberFormat("en", {
  style: "currency", currency: "USD", maximumSignificantDigits: 3,
});
// Prices are known to the cent and below.
const price = new Intl.NumberFormat("en", {
  style: "currency", currency: "USD", minimumFractionDigits: 2, maximumFractionDigits: 3,
});
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });

const sum = (rows, name) =>
  Object.values(rows).reduce((total, each) => total + each[name], 0);

/** What is billed: its name, the price's name, and how much of it was used. */
const BILLED = [
  ["Messages", "message", ({ messages }) => messages.in + messages.out],
  ["Connection minutes", "connection_minute", (costs) => costs.connection_minutes],
  ["Invocations", "invocation", (costs) => sum(costs.invocations, "count")],
  ["GB-seconds", "gb_second", (costs) => sum(costs.invocations, "gb_seconds")],
  ["Read units", "read_unit", (costs) => sum(costs.dynamodb, "read_units")],
  ["Write units", "write_unit", (costs) => sum(costs.dynamodb, "write_units")],
];

function draw(costs) {
  const { dollars: bill, prices, requests_per_second: rate } = costs;
  return make("div", {},
    make("p", { class: "total" }, make("strong", { text: dollars.format(bill.total) }), " since the gateway started"),
    costs.is_table_counted === false ? make("p", {
      class: "quiet", text: "Without reads and writes: the table is not the gateway’s own.",
    }) : null,
    make("section", { class: "group" },
      table("Bill", [
        { title: "What is billed", cell: ([name]) => name },
        figure("Used", ([, , use]) => number.format(use(costs))),
        figure("Per million", ([, name]) => price.format(prices[name] * 1e6)),
        figure("Cost", ([, name]) => dollars.format(bill[name])),
      ], BILLED),
      make("p", { class: "quiet", text: `Prices of ${prices.as_of} in ${prices.region}, without free tiers, from ${prices.source}.` }),
    ),
    breakdown("By route", "Route", costs.invocations, { count: "Invocations", gb_seconds: "GB-seconds" }),
    breakdown("By DynamoDB operation", "Operation", costs.dynamodb, {
      requests: "Requests", read_units: "Read units", write_units: "Write units",
    }),
    breakdown("By topic", "Topic", costs.topics, { in: "Messages in", out: "Messages out" }),
    make("section", { class: "group" }, make("h3", { text: "Limits" }), facts([
      ["Requests a second", `${count(rate.most)} at most; ${count(rate.quota)} are allowed`],
      ["Requests by servers", Object.entries(costs.requests).map(([name, times]) => `${count(times)} ${name}`).join(", ")],
      ["Memory of functions", `${count(costs.memory_mb)} MB`],
    ])),
  );
}

const figure = (title, cell) => ({ title, kind: "number", cell });

function breakdown(title, what, rows, columns) {
  const entries = Object.entries(rows);
  if (!entries.length) return null;
  return make("section", { class: "group" }, make("h3", { text: title }), table(title, [
    { title: what, kind: "mono", cell: ([name]) => name },
    ...Object.entries(columns).map(([name, head]) => figure(head, ([, row]) => number.format(row[name]))),
  ], entries));
}
