// What each entry is called and says in one line.

import { bytes, duration, oneLine, plural } from "./format.js";
import { hasRaised, isProblem, outcomeOf, topicOfKey } from "./trace.js";

/** How many log lines of an invocation the tree shows. */
export const MAX_LINES = 3;

/**
 * Describe an entry's node.
 *
 * Returns {label, tone, title, note, level, connection}: a word for what it is and its
 * color, a line, what is quiet behind it, "bad" for a problem, and whose it is.
 */
export function describe(node) {
  const { entry } = node;
  const described = (DESCRIPTIONS[entry.kind] ?? describeUnknown)(entry, node);
  return {
    level: isProblem(outcomeOf(entry)) ? "bad" : "", connection: entry.connection,
    note: "", tone: "quiet", ...described,
  };
}

const DESCRIPTIONS = {
  handshake: (entry) => ({
    label: "connect", tone: "in",
    title: `${entry.path ?? ""}${entry.query ? `?${oneLine(queryText(entry.query))}` : ""}`,
  }),
  opened: () => ({ label: "opened", title: "the connection is open" }),
  refused: (entry) => ({
    label: "refused", tone: "bad",
    title: `${entry.status || ""} ${oneLine(entry.detail ?? "")}`.trim(), note: entry.address ?? "",
  }),
  closed: (entry) => ({
    label: "closed",
    title: `${entry.code ?? "without a close frame"} ${oneLine(entry.reason ?? "")}`.trim(),
    note: [entry.by ? `by the ${entry.by}` : "", oneLine(entry.detail ?? "")].filter(Boolean).join(": "),
  }),
  frame: (entry) => ({
    label: "message in", tone: "in", title: oneLine(entry.text ?? ""), note: bytes(entry.size),
  }),
  batch: (entry) => ({
    label: "batch", tone: "in", title: entry.source, note: plural(count(entry.records), "record"),
  }),
  invocation: describeInvocation,
  output: (entry, node) => ({
    label: "log", title: oneLine(entry.line ?? ""), note: moreLines(node),
  }),
  result: (entry) => ({
    label: outcomeOf(entry) === "ok" ? "result" : "error",
    tone: outcomeOf(entry) === "ok" ? "quiet" : "bad",
    title: oneLine(hasRaised(entry) ? errorText(entry) : valueText(entry.value)),
  }),
  call: (entry) => ({
    label: entry.service === "dynamodb" ? "DynamoDB" : entry.service, tone: "call",
    title: `${entry.operation} ${describeKeys(entry)}`, note: callNote(entry),
  }),
  post: (entry) => ({
    label: entry.method === "POST" || !entry.method ? "post" : entry.method, tone: "post",
    title: postNote(entry), note: oneLine(entry.text ?? ""),
  }),
  sent: (entry) => ({
    label: "message out", tone: "out", title: oneLine(entry.text ?? ""), note: bytes(entry.size),
  }),
  fault: (entry) => ({ label: "fault", tone: "bad", title: oneLine(entry.text ?? ruleText(entry.rule)) }),
};

/** The last line that the tree shows says how many there are besides. */
function moreLines(node) {
  const lines = node.parent?.children.filter(({ entry }) => entry.kind === "output") ?? [];
  const more = lines.length - MAX_LINES;
  return more > 0 && lines[MAX_LINES - 1] === node ? `and ${plural(more, "more line")}` : "";
}

const describeUnknown = (entry) => ({ label: entry.kind, title: "" });

function describeInvocation(entry, node) {
  const { result } = node;
  if (entry.method) return describePublish(entry, result);
  const key = entry.own_route_key ?? entry.route_key ?? "";
  const isBad = result !== null && outcomeOf(result) !== "ok";
  return {
    label: "invoke", tone: "run", level: isBad ? "bad" : "",
    title: oneLine(`${key}${entry.replayed ? " (replay)" : ""} ${outcomeText(result)}`),
    note: [result?.is_cold ? "cold start" : "", entry.function ?? ""].filter(Boolean).join(", "),
  };
}

// The application was asked to publish; it was invoked with no event.
function describePublish(entry, result) {
  const { event, replayed } = entry;
  const isBad = hasRaised(result);
  return {
    label: "publish", tone: "in", level: isBad ? "bad" : "",
    title: oneLine(`${event?.topic ?? ""}${replayed ? " (replay)" : ""} ${typeof event?.data === "string" ? event.data : valueText(event?.data)}`),
    note: outcomeText(result, entry),
  };
}

/** What became of a publish, by its report: who got it, and where it is in the log. */
export function reportText(report) {
  if (!report) return "the handler cannot publish by itself";
  const { delivered = 0, queued, position, reason } = report;
  const parts = [queued ? "the stream delivers it" : `${delivered} delivered`];
  if (position) parts.unshift(`offset ${position[1]}`);
  for (const name of ["gone", "throttled", "failed", "deferred"]) {
    const size = Object.keys(report[name] ?? {}).length;
    if (size) parts.push(`${size} ${name}`);
  }
  return parts.join(", ") + (reason ? ` (${reason})` : "");
}

/** How an invocation ended: `200`, an error, or that it goes on. */
export function outcomeText(result, { method } = {}) {
  if (result === null) return "is running";
  if (hasRaised(result)) return `failed: ${errorText(result)}`;
  if (method) return reportText(result.value);
  const status = result.value?.statusCode;
  return status === undefined ? `returned ${valueText(result.value)}` : `returned ${status}`;
}

/** An invocation's error as one line, its type first. */
export function errorText({ error, outcome }) {
  return [outcome, error].filter(Boolean).join(": ");
}

const valueText = (value) => (value === undefined ? "" : JSON.stringify(value));

export function queryText(query) {
  return typeof query === "string" ? query : new URLSearchParams(query).toString();
}

const count = (records) => (Array.isArray(records) ? records.length : records ?? 0);

export const ruleText = (rule) =>
  typeof rule === "string" ? rule : rule ? `${rule.action} by a rule` : "a rule's fault";

/** What a call found or failed with, in a few words. */
export function callNote({ operation, error, response, read_units, write_units }) {
  if (error) return error;
  const parts = [];
  if (["Query", "Scan"].includes(operation) && response?.Count !== undefined) {
    parts.push(plural(response.Count, "item"));
  }
  if (operation === "GetItem" && response) parts.push(response.Item ? "found" : "not found");
  if (read_units) parts.push(`${read_units} RU`);
  if (write_units) parts.push(`${write_units} WU`);
  return parts.join(", ");
}

const STATUS = {
  200: "delivered", 403: "forbidden", 410: "gone: no such connection", 413: "too large",
  429: "throttled", 500: "internal error",
};

export const postNote = ({ status }) =>
  status === undefined || status === null ? "" : `${status} ${STATUS[status] ?? ""}`.trim();

/** The topics or keys that a DynamoDB request is about. */
export function describeKeys({ request }) {
  const keys = new Set();
  collect(request, keys, 0);
  const shown = [...keys].slice(0, 3).join(", ");
  return oneLine(keys.size > 3 ? `${shown} and ${keys.size - 3} more` : shown);
}

function collect(value, keys, depth) {
  if (value === null || typeof value !== "object" || depth > 8) return;
  if (typeof value.S === "string") {
    const text = nameKey(value.S);
    if (text) keys.add(text);
    return;
  }
  for (const each of Object.values(value)) collect(each, keys, depth + 1);
}

const KINDS = { T: "topic", L: "log", P: "presence", C: "connection", U: "user", K: "key" };

function nameKey(key) {
  const kind = /^([A-Z])#(?!$)/.exec(key)?.[1];
  if (!(kind in KINDS)) return null;
  return `${KINDS[kind]} ${topicOfKey(key) ?? key.slice(2)}`;
}

/** What came of a tree, in a few words. */
export function summarize(root) {
  const entries = [...root.walk()].map(({ entry }) => entry);
  const problems = entries.map((each) => [each, outcomeOf(each)]).filter(([, outcome]) => isProblem(outcome));
  const posts = entries.filter(({ kind }) => kind === "post").length;
  const failed = problems.filter(([{ kind }]) => kind === "post").length;
  const others = new Set(problems.filter(([{ kind }]) => kind !== "post").map(([, outcome]) => outcome));
  const out = entries.filter(({ kind }) => kind === "sent").length;
  const parts = [...others];
  if (failed) parts.push(`${failed} of ${plural(posts, "post")} failed`);
  if (out || (root.entry.kind === "frame" && !others.size)) {
    parts.push(plural(out, "message out", "messages out"));
  }
  return parts.join(", ");
}

/** How long a node took, in milliseconds, if that is known. */
export const millisecondsOf = (node) =>
  node.entry.kind === "result" ? null : node.result?.ms ?? node.entry.ms ?? null;

export const durationOf = (node) => duration(millisecondsOf(node));
