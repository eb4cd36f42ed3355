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

/** What is billed: its name, and the name of its price. */
const BILLED = [
  ["Messages", "message"],
  ["Connection minutes", "connection_minute"],
  ["Invocations", "invocation"],
  ["GB-seconds", "gb_second"],
  ["Read units", "read_unit"],
  ["Write units", "write_unit"],
];

/** The same, for what is shown only where it is used. */
const BILLED_IF_USED = [
  ["SQS requests", "queue_request"],
  ["SQS requests, FIFO", "fifo_request"],
  ["Stream reads, not by Lambda", "stream_read"],
];

function draw(costs) {
  const { dollars: bill, prices, requests_per_second: rate, used } = costs;
  return make("div", {},
    make("p", { class: "total" }, make("strong", { text: dollars.format(bill.total) }), " since the gateway started"),
    costs.is_table_counted === false ? make("p", {
      class: "quiet", text: "Without reads and writes: the table is not the gateway’s own.",
    }) : null,
    make("section", { class: "group" },
      table("Bill", [
        { title: "What is billed", cell: ([name]) => name },
        figure("Used", ([, name]) => number.format(used[name])),
        figure("Per million", ([, name]) => price.format(prices[name] * 1e6)),
        figure("Cost", ([, name]) => dollars.format(bill[name])),
      ], [...BILLED, ...BILLED_IF_USED.filter(([, name]) => used[name])]),
      make("p", { class: "quiet", text: `Prices of ${prices.as_of} in ${prices.region}, without free tiers, from ${prices.source}.` }),
    ),
    breakdown("By route", "Route", costs.invocations, RUNS),
    breakdown("By event source", "Source", costs.event_sources, RUNS),
    breakdown("By DynamoDB operation", "Operation", costs.dynamodb, {
      requests: "Requests", read_units: "Read units", write_units: "Write units", dollars: "Cost",
    }),
    requestsBySource(costs.queues_and_streams),
    breakdown("By topic", "Topic", costs.topics, { in: "Messages in", out: "Messages out", dollars: "Cost" }),
    make("section", { class: "group" }, make("h3", { text: "Limits" }), facts([
      ["Requests a second", `${count(rate.most)} at most; ${count(rate.quota)} are allowed`],
      ["Requests by servers", Object.entries(costs.requests).map(([name, times]) => `${count(times)} ${name}`).join(", ")],
      ["Memory of functions", `${count(costs.memory_mb)} MB`],
    ])),
  );
}

const RUNS = { count: "Invocations", gb_seconds: "GB-seconds", dollars: "Cost" };

const FORMATS = { dollars: (value) => dollars.format(value) };
const show = (name, value) => (FORMATS[name] ?? ((each) => number.format(each)))(value);

function requestsBySource(rows) {
  if (!rows.length) return null;
  return make("section", { class: "group" },
    make("h3", { text: "By queue and stream" }),
    table("By queue and stream", [
      { title: "Source", kind: "mono", cell: ({ source }) => source },
      { title: "Operation", kind: "mono", cell: ({ operation }) => operation },
      { title: "By", cell: ({ by }) => (by === "Lambda" ? "Lambda" : "the application") },
      figure("Requests", ({ requests }) => number.format(requests)),
      figure("Billed", ({ billed }) => number.format(billed)),
      figure("Cost", (row) => (row.billed ? dollars.format(row.dollars) : "free")),
    ], rows),
  );
}

const figure = (title, cell) => ({ title, kind: "number", cell });

function breakdown(title, what, rows, columns) {
  const entries = Object.entries(rows);
  if (!entries.length) return null;
  return make("section", { class: "group" }, make("h3", { text: title }), table(title, [
    { title: what, kind: "mono", cell: ([name]) => name },
    ...Object.entries(columns).map(([name, head]) => figure(head, ([, row]) => show(name, row[name]))),
  ], entries));
}
