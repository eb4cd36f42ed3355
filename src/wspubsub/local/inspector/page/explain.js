// What happened, in sentences: for somebody who wonders why nothing arrived.

import { errorText } from "./describe.js";
import { duration, plural } from "./format.js";
import { hasRaised, outcomeOf, topicOfKey } from "./trace.js";

/** Sentences about a tree, each {text, level}; level "bad" is what to look at first. */
export function explain(root) {
  const sentences = [];
  const nodes = [...root.walk()];
  const say = (text, level = "") => sentences.push({ text, level });
  for (const node of nodes) explainNode(node, say);
  const entries = nodes.map((each) => each.entry);
  explainSubscribers(entries.filter((each) => each.kind === "call"), say);
  explainPosts(entries.filter((each) => each.kind === "post"), say);
  const isDone = nodes.some((each) => each.entry.kind === "invocation" && each.result);
  if (root.entry.kind === "frame" && isDone && !nodes.some((each) => each.entry.kind === "sent")) {
    say("No client was sent anything because of this message.", "note");
  }
  return sentences;
}

function explainNode({ entry, result }, say) {
  if (entry.kind === "refused") {
    const answer = entry.status ? `was refused with ${entry.status}` : "could not be answered";
    say(`The client ${answer}. ${sentence(entry.detail ?? "")}`.trim(), "bad");
  } else if (entry.kind === "closed" && entry.detail) {
    say(`The ${entry.by} closed the connection: ${entry.detail}.`);
  } else if (entry.kind === "invocation" && result) explainResult(entry, result, say);
  else if (entry.kind === "fault") say(entry.text ?? "A rule of “Shake it” did this.", "bad");
  else if (entry.kind === "call") explainCall(entry, say);
}

const sentence = (text) => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

function explainResult(entry, result, say) {
  const what = entry.method
    ? `Publishing to “${entry.event?.topic ?? ""}” as the server`
    : `The handler for ${entry.own_route_key ?? entry.route_key ?? "the batch"}`;
  const ran = `${duration(result.ms)}${result.is_cold ? ", cold start" : ""}`;
  if (hasRaised(result)) {
    say(`${what} raised an error and did not finish: ${errorText(result)}`, "bad");
  } else if (outcomeOf(result) !== "ok") {
    say(`${what} returned ${result.value.statusCode} (${ran}).`, "bad");
  } else say(`${what} succeeded (${ran}).`);
  if (entry.method && result.value?.queued) {
    say("The message is in the topic’s log. The table’s stream delivers it: see the next batch.");
  }
}

function explainCall(entry, say) {
  if (!["ok", null].includes(outcomeOf(entry))) {
    say(`${entry.operation} failed: ${entry.error ?? entry.status}`, "bad");
  }
}

// A topic's subscribers may be in several shards, and a shard on several pages.
function explainSubscribers(entries, say) {
  const found = new Map();
  for (const entry of entries) {
    const topic = queriedTopic(entry);
    if (topic === null || entry.response?.Count === undefined) continue;
    found.set(topic, (found.get(topic) ?? 0) + entry.response.Count);
  }
  for (const [topic, count] of found) {
    if (count) say(`${plural(count, "subscriber")} of the topic “${topic}” found.`);
    else say(`Nobody is subscribed to the topic “${topic}”.`, "bad");
  }
}

/** The topic whose subscribers a query reads, or null. */
function queriedTopic({ operation, request }) {
  if (operation !== "Query") return null;
  const values = Object.values(request?.ExpressionAttributeValues ?? {});
  const key = values.map((each) => each?.S ?? "").find((each) => /^T#\d+#/.test(each));
  return key ? topicOfKey(key) : null;
}

const POSTS = {
  ok: [(n) => `${plural(n, "post was", "posts were")} delivered.`, ""],
  gone: [(n) => `${plural(n, "post")} to a connection that no longer exists (410).`, "bad"],
  throttled: [(n) => `${plural(n, "post was", "posts were")} throttled (429).`, "bad"],
  forbidden: [
    (n) =>
      `${plural(n, "post was", "posts were")} answered with 403: this endpoint or this `
      + "signature is not allowed to reach the connection.",
    "bad",
  ],
  failed: [(n) => `${plural(n, "post")} failed.`, "bad"],
};

function explainPosts(posts, say) {
  for (const [outcome, [text, level]] of Object.entries(POSTS)) {
    const some = posts.filter((each) => outcomeOf(each) === outcome);
    const details = new Set(some.map((each) => each.detail).filter(Boolean));
    if (some.length) say([text(some.length), ...[...details].map(sentence)].join(" "), level);
  }
}
