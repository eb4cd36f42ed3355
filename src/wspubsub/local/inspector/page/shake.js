// The tab Shake it: rules of faults, the worker's end, and the gateway's clock.

import { attempt, button, empty, field, make, select } from "./dom.js";
import { count, plural, span } from "./format.js";
import { hasMethod, LiveView, rowsOf } from "./view.js";

/** What can fail, and how; the gateway itself checks each rule. */
const SERVICES = {
  management: [
    "Posts (Management API)",
    ["throttle", "gone", "forbidden", "fail", "slow", "lose_answer", "lose_request"],
    ["operation", "connection", "topic"],
  ],
  dynamodb: [
    "DynamoDB",
    ["throttle", "fail", "slow", "lose_answer", "lose_request"],
    ["operation", "connection", "topic", "table"],
  ],
  function: [
    "The function", ["kill", "time_out", "slow"], ["operation", "connection", "topic", "route_key"],
  ],
  authorizer: ["The authorizer", ["deny", "kill", "time_out", "slow"], []],
};
const ACTIONS = {
  throttle: "throttle (429)", gone: "gone (410)", forbidden: "forbidden (403)", fail: "fail (5xx)",
  slow: "slow", lose_answer: "do it, lose the answer", lose_request: "lose the request",
  kill: "kill the worker", time_out: "time out", deny: "deny",
};
const OPERATIONS = {
  management: "any: post, get, delete", dynamodb: "any: UpdateItem, Query, …",
  function: "any: connect, message, disconnect", authorizer: "any",
};
const TIMED = ["slow", "lose_answer", "lose_request", "kill", "time_out"];
const ADVANCES = [
  [600, "10 minutes", "the idle timeout"], [7200, "2 hours", "the longest a connection may last"],
];
const OWN = ["left", "hits"]; // what the gateway adds to a rule

export class Shake {
  constructor(panel, api, state) {
    this.api = api;
    this.state = state;
    this.offset = state.clock_offset ?? 0;
    const list = make("div", { class: "list" });
    const page = make("div", { class: "page" }, make("h2", { text: "Shake it" }));
    panel.append(page);
    if (hasMethod(state, "set_faults")) {
      this.split = make("div", { class: "split shaken" },
        make("section", { class: "rule-list" }, make("h3", { text: "Rules" }), list), this.#form());
      page.append(this.split);
      this.view = new LiveView(list, api, { state, method: "faults", draw: (answer) => this.#draw(answer) });
    }
    (this.split ?? page).append(...this.#tools());
    if (page.children.length === 1) page.append(empty("Not available", "This gateway cannot make things fail."));
  }

  show() {
    return this.view?.show();
  }

  hide() {
    this.view?.hide();
  }

  heard() {
    this.view?.heard();
  }

  #draw(answer) {
    this.rules = rowsOf(answer, "rules");
    if (!this.rules.length) return empty("Nothing fails on request", "Add a rule: the first that matches acts.");
    const items = this.rules.map((rule, index) => make(
      "li",
      {},
      make("span", { text: ruleLine(rule) }),
      make("span", { class: "quiet", text: usage(rule) }),
      button("Remove", () => this.#set(this.rules.filter((_, each) => each !== index)), {
        class: "small", "aria-label": `Remove rule ${index + 1}`,
      }),
    ));
    return make(
      "div",
      {},
      make("ol", { class: "rules" }, ...items),
      make("div", { class: "buttons" },
        button("Remove all", () => this.#set([])),
        button("Copy as a file for --faults", () => this.#copy())),
    );
  }

  #copy() {
    const text = JSON.stringify(this.rules.map(withoutOwn), null, 2);
    return attempt(() => navigator.clipboard.writeText(text), "Rules copied");
  }

  #set(rules) {
    return attempt(() => this.api.call("set_faults", { rules: rules.map(withoutOwn) }))
      .then(() => this.view.refresh());
  }

  #form() {
    const service = select("service", Object.entries(SERVICES).map(([name, [title]]) => [name, title]));
    const action = make("select", { name: "action" });
    const input = (name, attributes = {}) =>
      make("input", { name, autocomplete: "off", spellcheck: "false", placeholder: "any", ...attributes });
    const matches = {
      operation: field("Operation", input("operation")),
      connection: field("Connection", input("connection")),
      topic: field("Topic", input("topic")),
      route_key: field("Route key", input("route_key")),
      table: field("Table", input("table")),
    };
    const number = (name, placeholder) => input(name, { type: "number", min: "0", step: "any", placeholder });
    const seconds = field("Seconds", number("seconds", "by default"));
    const status = field("Status", number("status", "500"));
    const form = make(
      "form",
      { class: "card", id: "add-rule" },
      make("h3", { text: "Add a rule" }),
      field("What", service), field("Does", action), ...Object.values(matches),
      make("div", { class: "pair" }, field("Times", number("times", "always")), field("Probability", number("probability", "1"))),
      seconds, status,
      make("div", { class: "buttons" }, make("button", { type: "submit", class: "primary", text: "Add rule" })),
    );
    const adapt = () => {
      const [, actions, about] = SERVICES[service.value];
      form.elements.operation.placeholder = OPERATIONS[service.value];
      action.replaceChildren(...actions.map((value) => make("option", { value, text: ACTIONS[value] })));
      for (const [name, each] of Object.entries(matches)) each.hidden = !about.includes(name);
      adaptFields();
    };
    const adaptFields = () => {
      seconds.hidden = !TIMED.includes(action.value);
      status.hidden = action.value !== "fail";
    };
    service.addEventListener("change", adapt);
    action.addEventListener("change", adaptFields);
    adapt();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#set([...(this.rules ?? []), readRule(form)]);
    });
    return form;
  }

  #tools() {
    const tools = [];
    if (hasMethod(this.state, "kill")) {
      tools.push(make("section", { class: "card" },
        make("h3", { text: "Worker" }),
        make("p", { class: "quiet", text: "The next invocation begins with a cold start." }),
        make("div", { class: "buttons" }, button("Kill the worker", () => attempt(() => this.api.call("kill"), "The worker was killed"))),
      ));
    }
    if (hasMethod(this.state, "advance")) tools.push(this.#clock());
    return tools.length ? [make("div", { class: "cards" }, ...tools)] : [];
  }

  #clock() {
    const now = make("p", { id: "clock", text: this.#clockText() });
    const seconds = make("input", { type: "number", min: "1", name: "advance", placeholder: "seconds, e.g. the rest of a token’s life" });
    const advance = (by) => attempt(async () => {
      const answer = await this.api.call("advance", { seconds: by });
      this.offset = answer?.clock_offset ?? this.offset + by;
      now.textContent = this.#clockText();
    }, `The clock was advanced by ${span(by)}`);
    return make("section", { class: "card", id: "clock-card" },
      make("h3", { text: "Clock" }), now,
      make("div", { class: "buttons" }, ...ADVANCES.map(([by, name, why]) =>
        button(`+ ${name}`, () => advance(by), { title: `Let it pass: ${why}` }))),
      field("Advance by", seconds, "Past a token’s expiry, say. Items expire, idle connections close, tokens run out."),
      make("div", { class: "buttons" }, button("Advance", () => seconds.value && advance(Number(seconds.value)))),
    );
  }

  #clockText() {
    return this.offset ? `The gateway’s clock is ${span(this.offset)} ahead.` : "The gateway’s clock is right.";
  }
}

const withoutOwn = (rule) =>
  Object.fromEntries(Object.entries(rule).filter(([name]) => !OWN.includes(name)));

function readRule(form) {
  const value = (name) => {
    const control = form.elements[name];
    return control.closest(".field").hidden ? "" : control.value.trim();
  };
  const match = { service: value("service") };
  for (const name of ["operation", "connection", "topic", "route_key", "table"]) {
    if (value(name)) match[name] = value(name);
  }
  const rule = { match, action: value("action") };
  for (const name of ["times", "probability", "seconds", "status"]) {
    if (value(name) !== "") rule[name] = Number(value(name));
  }
  if (rule.action === "slow") rule.seconds ??= 1;
  return rule;
}

function ruleLine({ match, action, probability, seconds }) {
  const { service, ...rest } = match;
  const about = Object.entries(rest).map(([name, value]) => `${name.replace("_", " ")} ${value}`);
  const parts = [SERVICES[service]?.[0] ?? service, ...about].join(", ");
  const how = [ACTIONS[action] ?? action];
  if (seconds) how.push(`for ${seconds} s`);
  if (probability !== undefined && probability < 1) how.push(`in ${Math.round(probability * 100)} % of cases`);
  return `${parts}: ${how.join(" ")}`;
}

function usage({ times, left, hits }) {
  const parts = [];
  if (hits !== undefined) parts.push(`acted ${plural(hits, "time")}`);
  if (left !== undefined && left !== null) parts.push(`${count(left)} left`);
  else if (times) parts.push(plural(times, "time"));
  else parts.push("always");
  return parts.join(", ");
}
