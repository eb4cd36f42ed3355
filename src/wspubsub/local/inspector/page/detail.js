// Everything about one entry: what happened, the exact event and result, lines, calls.

import { attempt, button, facts, find, make } from "./dom.js";
import { callNote, describe, durationOf, errorText, outcomeText, postNote, queryText, ruleText } from "./describe.js";
import { explain } from "./explain.js";
import { bytes, duration, moment, parseJson } from "./format.js";
import { jsonBlock, textBlock } from "./json.js";
import { hasRaised } from "./trace.js";

/** Args: `place` is filled; `api` replays; `showFilter(facet, value)` filters. */
export class Detail {
  constructor(place, { api, close, showFilter }) {
    Object.assign(this, { place, api, close, showFilter });
    this.shown = "";
  }

  /** Show a node, or nothing; what has not changed stays as it is. */
  show(node) {
    const shown = node ? `${node.n} ${node.root.version}` : "";
    if (shown === this.shown) return;
    const isSame = node && this.shown.startsWith(`${node.n} `);
    this.shown = shown;
    this.place.hidden = node === null;
    if (node === null) return this.place.replaceChildren();
    const scroll = isSame ? this.place.scrollTop : 0;
    const open = isSame ? this.#focused() : null;
    this.place.replaceChildren(this.#head(node), ...this.#parts(node));
    this.place.scrollTop = scroll;
    if (open) find(`[aria-label="${CSS.escape(open)}"]`, this.place)?.focus();
    return undefined;
  }

  #focused() {
    const focused = document.activeElement;
    return this.place.contains(focused) ? focused.getAttribute("aria-label") : null;
  }

  #head(node) {
    const { label, tone, title } = describe(node);
    const buttons = [button("Close", this.close, { class: "small", "aria-label": "Close details" })];
    if (node.entry.kind === "invocation" && node.entry.function) {
      buttons.unshift(button("Replay", () => this.replay(node), {
        class: "small", title: "Invoke the function with this event again (r)",
      }));
    }
    return make(
      "header",
      { class: "detail-head" },
      make("span", { class: `tag ${tone}`, text: label }),
      make("h3", { text: title || label }),
      ...buttons,
    );
  }

  replay(node) {
    return attempt(
      () => this.api.call("replay", { n: node.n }),
      "Replayed: the new invocation is at the end of the list",
    );
  }

  #parts(node) {
    return [
      this.#story(node), this.#facts(node), ...blocksOf(node), causes(node),
    ].filter(Boolean);
  }

  #facts(node) {
    const { entry, result, root } = node;
    const filterBy = (facet, value) =>
      value ? button(value, () => this.showFilter(facet, value), {
        class: "link mono", title: "Show only what has to do with this",
      }) : null;
    const since = entry.at - root.entry.at;
    const outcome = entry.kind === "invocation" ? outcomeText(result, entry) : null;
    return facts([
      ["Time", `${moment(entry.at)}${node === root ? "" : ` (+${duration(since * 1000)})`}`],
      ["Connection", filterBy("connection", entry.connection)],
      ["User", filterBy("user", entry.user)],
      ["Route key", filterBy("route_key", entry.own_route_key ?? entry.route_key)],
      ["API’s route key", entry.own_route_key && entry.own_route_key !== entry.route_key ? entry.route_key : null],
      ["Function", entry.function],
      ["Invocation ID", entry.id],
      ["Replay of", entry.replayed ? `entry ${entry.replayed}` : null],
      ["Outcome", outcome],
      ["Duration", durationOf(node)],
      ["Environment", result?.environment ? `${result.environment}${result.is_cold ? ", cold start" : ", warm"}` : null],
      ["Address", entry.address],
      ["Path", entry.path],
      ["Query", entry.query ? queryText(entry.query) : null],
      ["Status", entry.kind === "post" ? postNote(entry) : entry.status],
      ["Method", entry.method],
      ["Table", entry.table],
      ["Result", entry.kind === "call" ? callNote(entry) : null],
      ["Size", bytes(entry.size)],
      ["Close code", entry.code],
      ["Reason", entry.reason],
      ["Closed by", entry.by],
      ["Detail", entry.detail],
      ["Rule", entry.rule ? ruleText(entry.rule) : null],
      ["Note", entry.cut ? "The texts of this entry are cut at 32 KB." : null],
    ]);
  }

  #story(node) {
    const sentences = explain(node.root);
    if (!sentences.length) return null;
    const items = sentences.map(({ text, level }) => make("li", { class: level, text }));
    return make("section", { class: "story" }, make("h4", { text: "What happened" }), make("ul", {}, ...items));
  }
}

function* blocksOf(node) {
  const { entry, result } = node;
  if (hasRaised(result)) yield failure(result);
  if (entry.kind === "result") {
    if (hasRaised(entry)) yield failure(entry);
    yield jsonBlock("Result", entry.value);
  }
  if (entry.text !== undefined) yield messageBlock(entry.text);
  const lines = node.children.filter((each) => each.entry.kind === "output");
  if (lines.length) {
    yield textBlock("Log lines", lines.map((each) => each.entry.line).join("\n"));
  }
  if (entry.kind === "output") yield textBlock("Log line", entry.line);
  if (result && !hasRaised(result)) yield jsonBlock("Result", result.value);
  yield jsonBlock("Event", entry.event);
  yield jsonBlock("Records", Array.isArray(entry.records) ? entry.records : null);
  yield jsonBlock("Headers", entry.headers);
  if (entry.kind === "call" || entry.kind === "post") {
    yield jsonBlock("Request", entry.request);
    yield jsonBlock("Response", entry.response);
  }
  yield jsonBlock("Rule", typeof entry.rule === "object" ? entry.rule : null);
}

function failure(result) {
  const { traceback: trace } = result;
  return textBlock(trace ? "Traceback" : "Error", trace || errorText(result), { level: "bad" });
}

function messageBlock(text) {
  const value = parseJson(text);
  return value !== null && typeof value === "object"
    ? jsonBlock("Message", value)
    : textBlock("Message", text);
}

function causes(node) {
  const path = [];
  for (let each = node; each; each = each.parent) path.unshift(describe(each).label);
  return path.length > 1
    ? make("p", { class: "path quiet", text: `Caused by: ${path.slice(0, -1).join(" → ")}` })
    : null;
}

