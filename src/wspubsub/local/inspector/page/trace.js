// Entries as trees of cause and effect, and what each tree is about.

import { parseJson } from "./format.js";

const MAX_ENTRIES = 20_000;
const PROBLEMS = new Set(["failed", "refused", "gone", "throttled", "forbidden", "fault"]);

/** An entry with what it has caused. */
export class Node {
  constructor(entry, parent) {
    this.entry = entry;
    this.parent = parent;
    this.root = parent ? parent.root : this;
    this.depth = parent ? parent.depth + 1 : 0;
    this.children = [];
    this.result = null; // of an invocation
    if (!parent) {
      this.version = 0;
      this.size = 0;
      this.lines = 0; // of output
      this.end = entry.at;
      this.about = {
        connection: new Set(), user: new Set(), topic: new Set(),
        route_key: new Set(), outcome: new Set(),
      };
    }
  }

  get n() {
    return this.entry.n;
  }

  /** This node and all below it. */
  *walk() {
    yield this;
    for (const child of this.children) yield* child.walk();
  }

  hasProblem() {
    return [...this.root.about.outcome].some((each) => PROBLEMS.has(each));
  }
}

export class Trace {
  constructor() {
    this.users = new Map(); // of connections, which go on after “Clear”
    this.clear();
  }

  /** Forget everything: all entries up to a number, and what these go on to cause. */
  clear(cleared = 0) {
    this.cleared = cleared;
    this.ignored = new Set();
    this.roots = [];
    this.nodes = new Map();
    this.known = {
      connection: new Set(), user: new Set(this.users.values()), topic: new Set(), route_key: new Set(),
    };
    this.forgotten = 0;
  }

  /** Learn whose a connection is. */
  name(connection, user) {
    this.users.set(connection, user);
    this.known.user.add(user);
  }

  add(entries) {
    for (const entry of entries) this.#add(entry);
    while (this.nodes.size > MAX_ENTRIES && this.roots.length > 1) this.#forget();
  }

  #add(entry) {
    if (this.nodes.has(entry.n) || this.#ignores(entry)) return;
    // A cause that the gateway has dropped already leaves its effects without one.
    const parent = this.nodes.get(entry.parent) ?? null;
    const node = new Node(entry, parent);
    this.nodes.set(entry.n, node);
    if (parent === null) this.roots.push(node);
    else parent.children.push(node);
    if (entry.kind === "result" && parent !== null) parent.result = entry;
    const { root } = node;
    root.version += 1;
    root.size += 1;
    if (entry.kind === "output") root.lines += 1;
    root.end = Math.max(root.end, entry.at);
    this.#note(node);
  }

  #ignores({ n, parent }) {
    const isOld = n <= this.cleared
      || (typeof parent === "number" && (parent <= this.cleared || this.ignored.has(parent)));
    if (isOld) this.ignored.add(n);
    return isOld;
  }

  #note(node) {
    const { entry, root } = node;
    const note = (kind, value) => {
      if (value === null || value === undefined || value === "") return;
      root.about[kind].add(String(value));
      this.known[kind]?.add(String(value));
    };
    note("connection", entry.connection);
    note("user", entry.user);
    if (entry.user && entry.connection) this.name(entry.connection, entry.user);
    const session = sessionOf(entry);
    if (session) this.name(...session);
    note("route_key", entry.own_route_key ?? entry.route_key);
    if (entry.own_route_key) root.about.route_key.add(entry.route_key);
    for (const topic of topicsOf(entry)) note("topic", topic);
    note("outcome", outcomeOf(entry));
  }

  #forget() {
    const root = this.roots.shift();
    for (const node of root.walk()) {
      this.nodes.delete(node.n);
      this.forgotten += 1;
    }
  }
}

/** What became of something, in a word; null where there is nothing to tell. */
export function outcomeOf(entry) {
  switch (entry.kind) {
    case "result":
      return outcomeOfResult(entry);
    case "refused":
      return "refused";
    case "fault":
      return "fault";
    case "call":
      if (!entry.error && !(entry.status >= 400)) return "ok";
      if (entry.error?.includes("ConditionalCheckFailed")) return "ok"; // it was asked
      return /Throttl|Throughput|LimitExceeded/.test(entry.error ?? "") ? "throttled" : "failed";
    case "post":
      return { 403: "forbidden", 410: "gone", 429: "throttled" }[entry.status]
        ?? (entry.status >= 400 ? "failed" : "ok");
    default:
      return null;
  }
}

/** The connection and the user of a session that a `PubSub` begins, or null. */
function sessionOf({ kind, error, request }) {
  const { pk, user_id: user } = (kind === "call" && !error && request?.Item) || {};
  const connection = /^C#(.+)$/.exec(pk?.S ?? "")?.[1];
  return connection && user?.S ? [connection, user.S] : null;
}

/** Whether an invocation's result is an error; its message may be empty. */
export const hasRaised = (result) => typeof result?.error === "string";

function outcomeOfResult(entry) {
  if (hasRaised(entry)) return "failed";
  const status = entry.value?.statusCode;
  if (status >= 500) return "failed";
  return status >= 400 ? "refused" : "ok";
}

export const isProblem = (outcome) => PROBLEMS.has(outcome);

/** The topics that an entry names: in a client's message, or in DynamoDB keys. */
export function topicsOf(entry) {
  const found = new Set();
  if (entry.topic) found.add(entry.topic);
  if (entry.method && entry.event?.topic) found.add(entry.event.topic);
  if (entry.kind === "frame") {
    for (const line of (entry.text ?? "").split("\n")) {
      collectNamed(parseJson(line), found, 0);
    }
  } else if (entry.kind === "call") {
    collectKeys(entry.request, found, 0);
  }
  return found;
}

function collectNamed(value, found, depth) {
  if (value === null || typeof value !== "object" || depth > 2) return;
  for (const [name, each] of Object.entries(value)) {
    if ((name === "topic" || name === "channel") && typeof each === "string") found.add(each);
    else if (name === "topics" && Array.isArray(each)) {
      each.filter((one) => typeof one === "string").forEach((one) => found.add(one));
    } else collectNamed(each, found, depth + 1);
  }
}

function collectKeys(value, found, depth) {
  if (value === null || typeof value !== "object" || depth > 8) return;
  if (typeof value.S === "string") {
    const topic = topicOfKey(value.S);
    if (topic) found.add(topic);
    return;
  }
  for (const each of Object.values(value)) collectKeys(each, found, depth + 1);
}

/** The topic that a key of the table is about. */
export function topicOfKey(key) {
  return /^(?:T#\d+#|T#|L#|P#)(.+)$/s.exec(key)?.[1] ?? null;
}
