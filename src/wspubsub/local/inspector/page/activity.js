// The tab Activity: the trees of cause and effect, filtered, drawn and walked through.

import { attempt, find, make } from "./dom.js";
import { MAX_LINES, describe, durationOf, millisecondsOf, summarize } from "./describe.js";
import { Detail } from "./detail.js";
import { Filter } from "./filter.js";
import { count, duration, plural, timeOfDay } from "./format.js";
import { FilterBar } from "./filterbar.js";
import { Trace, hasRaised } from "./trace.js";
import { Viewport } from "./viewport.js";

const ROW_HEIGHT = 28;
// A tree with more than this begins closed, or a large publish would hide all else.
const MAX_OPEN = 40;
// A title of so few characters is shown whole; what is behind it gives way.
const MAX_SHORT = 30;

export class Activity {
  constructor(panel, api) {
    this.panel = panel;
    this.api = api;
    this.trace = new Trace();
    this.filter = new Filter(this.trace.users);
    this.opened = new Map(); // what the user has opened and closed
    this.held = []; // what came while paused
    this.isPaused = false;
    this.selected = null;
    this.dropped = 0;
    this.rows = [];
    this.list = find("#tree");
    this.viewport = new Viewport(this.list, {
      rowHeight: ROW_HEIGHT,
      key: (node) => node.n,
      signature: (node) => this.#signature(node),
      draw: (row, node, index) => this.#draw(row, node, index),
    });
    this.detail = new Detail(find("#detail"), {
      api,
      close: () => this.select(null),
      showFilter: (facet, value) => this.bar.set(facet, value),
    });
    this.bar = new FilterBar(this.filter, () => this.refresh());
    this.#listen();
    this.refresh();
  }

  /** Take new entries, and how many the gateway has dropped before them. */
  hear(entries, dropped = 0) {
    this.dropped += dropped;
    if (this.isPaused) this.held.push(...entries);
    else this.trace.add(entries);
    if (entries.length || dropped) this.#schedule();
  }

  /** Learn whose the connections are that began before this page was opened. */
  async learnUsers() {
    const { connections } = await this.api.call("connections");
    for (const { id, user } of connections) if (user) this.trace.name(id, user);
    this.refresh();
  }

  pause(isPaused = !this.isPaused) {
    this.isPaused = isPaused;
    if (!isPaused) this.trace.add(this.held.splice(0));
    this.refresh();
  }

  async clear() {
    this.panel.setAttribute("aria-busy", "true");
    const answer = await attempt(() => this.api.call("clear"));
    this.panel.removeAttribute("aria-busy");
    this.trace.clear(answer?.cleared);
    this.held = [];
    this.opened.clear();
    this.dropped = 0;
    this.select(null);
  }

  openAll(isOpen) {
    for (const node of this.trace.nodes.values()) {
      if (hasRows(node)) this.opened.set(node.n, isOpen);
    }
    this.refresh();
  }

  replaySelected() {
    let node = this.selected;
    while (node && node.entry.kind !== "invocation") node = node.parent;
    return node ? this.detail.replay(node) : undefined;
  }

  select(node) {
    this.selected = node;
    this.refresh();
    if (node === null) return;
    const index = this.rows.indexOf(node);
    if (index >= 0) this.viewport.reveal(index);
  }

  refresh() {
    const isFollowing = this.viewport.isAtEnd && this.selected === null;
    this.rows = this.#rowsOf(this.trace.roots);
    if (this.selected && !this.trace.nodes.has(this.selected.n)) this.selected = null;
    this.viewport.show(this.rows);
    if (isFollowing) this.viewport.scrollToEnd();
    this.#describeState();
    this.detail.show(this.selected);
    this.panel.classList.toggle("has-detail", this.selected !== null);
    this.#mark();
  }

  #schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    // Hidden tabs draw nothing; they come up to date when they are looked at.
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.refresh();
    });
  }

  #rowsOf(roots) {
    const rows = [];
    const collect = (node) => {
      rows.push(node);
      if (this.isOpen(node)) rowsBelow(node).forEach(collect);
    };
    this.shownRoots = roots.filter((root) => this.filter.takes(root));
    this.shownRoots.forEach(collect);
    return rows;
  }

  isOpen(node) {
    const size = node === node.root ? node.size - node.lines : rowsBelow(node).length;
    return this.opened.get(node.n) ?? size <= MAX_OPEN;
  }

  #describeState() {
    const shown = this.shownRoots.length;
    const all = this.trace.roots.length;
    const texts = [this.filter.isActive ? `${count(shown)} of ${plural(all, "tree")}` : plural(all, "tree")];
    const lost = this.dropped + this.trace.forgotten;
    if (lost) texts.push(`${plural(lost, "older entry", "older entries")} dropped`);
    if (this.isPaused) texts.push(`paused, ${count(this.held.length)} waiting`);
    find("#activity-state").textContent = texts.join(" · ");
    const pause = find("#pause");
    pause.textContent = this.isPaused ? "Resume" : "Pause";
    pause.setAttribute("aria-pressed", String(this.isPaused));
    find("#nothing").hidden = this.rows.length > 0;
    find("#nothing-yet").hidden = all > 0;
    find("#nothing-found").hidden = all === 0;
    this.bar.suggest(this.trace.known);
  }

  #listen() {
    this.list.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (!row) return;
      const node = this.trace.nodes.get(Number(row.dataset.n));
      if (event.target.closest(".twist") && hasRows(node)) this.toggle(node);
      else this.select(node === this.selected ? null : node);
    });
    this.list.addEventListener("keydown", (event) => this.#key(event));
    find('#filter [name="user"]').addEventListener("focus", () => attempt(() => this.learnUsers()));
    find("#pause").addEventListener("click", () => this.pause());
    find("#clear").addEventListener("click", () => this.clear());
    find("#open-all").addEventListener("click", () => this.openAll(true));
    find("#close-all").addEventListener("click", () => this.openAll(false));
  }

  toggle(node, isOpen = !this.isOpen(node)) {
    this.opened.set(node.n, isOpen);
    this.refresh();
  }

  /** Move the selection by rows. */
  move(by) {
    if (!this.rows.length) return;
    const at = this.rows.indexOf(this.selected);
    const wanted = at < 0 ? (by > 0 ? 0 : this.rows.length - 1) : at + by;
    this.select(this.rows[Math.min(this.rows.length - 1, Math.max(0, wanted))]);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = this.selected;
    const page = Math.max(1, Math.floor(this.list.clientHeight / ROW_HEIGHT) - 1);
    const actions = {
      ArrowDown: () => this.move(1),
      ArrowUp: () => this.move(-1),
      PageDown: () => this.move(page),
      PageUp: () => this.move(-page),
      Home: () => this.select(this.rows[0] ?? null),
      End: () => this.select(this.rows.at(-1) ?? null),
      ArrowRight: () => node && (hasRows(node) && !this.isOpen(node) ? this.toggle(node) : this.move(1)),
      ArrowLeft: () => node && (hasRows(node) && this.isOpen(node) ? this.toggle(node) : this.select(node.parent ?? node)),
      Enter: () => find("#detail").querySelector("button")?.focus(),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  }

  #mark() {
    const isSeen = this.selected && this.rows.includes(this.selected);
    if (isSeen) this.list.setAttribute("aria-activedescendant", `row-${this.selected.n}`);
    else this.list.removeAttribute("aria-activedescendant");
  }

  #signature(node) {
    return [node.root.version, this.isOpen(node), node === this.selected, this.filter.version].join(" ");
  }

  #draw(row, node) {
    const { entry, root } = node;
    const { label, tone, title, note, level, connection } = describe(node);
    const hasChildren = hasRows(node);
    const problem = node === root && root.hasProblem() ? "bad" : "";
    row.className = `row ${level} ${node === root ? "root" : ""} ${node === this.selected ? "selected" : ""}`;
    row.id = `row-${node.n}`;
    row.dataset.n = node.n;
    row.setAttribute("role", "treeitem");
    row.setAttribute("aria-level", node.depth + 1);
    row.setAttribute("aria-selected", String(node === this.selected));
    if (hasChildren) row.setAttribute("aria-expanded", String(this.isOpen(node)));
    else row.removeAttribute("aria-expanded");
    const indent = make("span", { class: "indent" });
    indent.style.setProperty("width", `${Math.min(node.depth, 6) * 16}px`);
    const since = (entry.at - root.entry.at) * 1000;
    row.replaceChildren(
      node === root ? rootTime(entry.at) : make("time", { text: `+${duration(Math.max(0, since))}` }),
      indent,
      make("span", { class: `twist ${hasChildren ? (this.isOpen(node) ? "open" : "closed") : ""}`, "aria-hidden": "true" }),
      make("span", { class: `tag ${tone}`, text: label }),
      make("span", { class: title.length > MAX_SHORT ? "title" : "title short" }, ...this.#highlight(title)),
      make("span", { class: "note" }, ...this.#highlight(note)),
      ...(node === root && root.size > 1 ? [make("span", { class: `sum ${problem}`, text: summarize(root) })] : []),
      make("span", { class: "id", text: connection ? connection.slice(0, 6) : "" }),
      make("span", { class: "took", text: durationOf(node) }),
      this.#bar(node),
    );
  }

  // When in its tree's time something ran, and for how long.
  #bar(node) {
    const box = make("span", { class: "bar", "aria-hidden": "true" });
    const whole = (node.root.end - node.root.entry.at) * 1000;
    const took = millisecondsOf(node);
    if (node === node.root || whole <= 0 || took === null) return box;
    const begin = (node.entry.at - node.root.entry.at) * 1000;
    const fill = make("i", {});
    fill.style.setProperty("left", `${Math.min(98, (begin / whole) * 100)}%`);
    fill.style.setProperty("width", `${Math.min(100, Math.max(2, (took / whole) * 100))}%`);
    box.append(fill);
    return box;
  }

  *#highlight(text) {
    const wanted = this.filter.wanted.text.toLowerCase();
    let from = 0;
    for (;;) {
      const at = wanted ? text.toLowerCase().indexOf(wanted, from) : -1;
      if (at < 0) break;
      yield text.slice(from, at);
      from = at + wanted.length;
      yield make("mark", { text: text.slice(at, from) });
    }
    yield text.slice(from);
  }
}

// Phones have no room for the milliseconds.
function rootTime(at) {
  const [seconds, fraction] = timeOfDay(at).split(".");
  return make("time", {}, seconds, make("span", { class: "fraction", text: `.${fraction}` }));
}

// An invocation shows its result itself; only an error has a row of its own.
const isRow = ({ entry, parent }) =>
  entry.kind !== "result" || parent?.entry.kind !== "invocation" || hasRaised(entry);

const hasRows = (node) => node.children.some(isRow);

// A printed traceback would hide what comes after it; the details have all lines.
function rowsBelow(node) {
  let lines = 0;
  return node.children.filter((child) => {
    if (child.entry.kind === "output") lines += 1;
    return isRow(child) && (child.entry.kind !== "output" || lines <= MAX_LINES);
  });
}
