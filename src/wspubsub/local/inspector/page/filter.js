// Which trees are shown: those that have everything that is asked for.

import { isProblem } from "./trace.js";

export const FACETS = ["connection", "user", "topic", "route_key"];

export class Filter {
  /** Args: `users` has the users of connections, which are learnt as time goes by. */
  constructor(users) {
    this.users = users;
    this.version = 0;
    this.wanted = { connection: "", user: "", topic: "", route_key: "", outcome: "", text: "" };
    this.seen = new WeakMap();
  }

  get isActive() {
    return Object.values(this.wanted).some(Boolean);
  }

  set(name, value) {
    this.wanted[name] = value.trim();
    this.version += 1;
  }

  clear() {
    for (const name of Object.keys(this.wanted)) this.wanted[name] = "";
    this.version += 1;
  }

  /** Whether a tree is shown; remembered until the tree or the filter changes. */
  takes(root) {
    const known = this.seen.get(root);
    const seen = `${root.version} ${this.version} ${this.users.size}`;
    if (known?.seen === seen) return known.is;
    const is = this.#judge(root);
    this.seen.set(root, { seen, is });
    return is;
  }

  #usersOf({ about }) {
    const users = [...about.connection].map((each) => this.users.get(each));
    return new Set([...about.user, ...users].filter(Boolean));
  }

  #judge(root) {
    const { outcome, text } = this.wanted;
    for (const facet of FACETS) {
      const wanted = this.wanted[facet];
      const values = facet === "user" ? this.#usersOf(root) : root.about[facet];
      if (wanted && !has(values, wanted, facet === "connection")) return false;
    }
    if (outcome && !hasOutcome(root.about.outcome, outcome)) return false;
    return !text || hasText(root, text.toLowerCase());
  }
}

// The ends of connection IDs are cut where they are shown, so their beginning will do.
const has = (values, wanted, isPrefix) =>
  values.has(wanted) || (isPrefix && [...values].some((each) => each.startsWith(wanted)));

function hasOutcome(outcomes, wanted) {
  const all = [...outcomes];
  if (wanted === "problem") return all.some(isProblem);
  if (wanted === "ok") return all.includes("ok") && !all.some(isProblem);
  return outcomes.has(wanted);
}

function hasText(root, text) {
  for (const node of root.walk()) {
    if (searchable(node.entry).includes(text)) return true;
  }
  return false;
}

/** Everything in an entry as text; strings as they are, without JSON's escapes. */
function searchable(entry) {
  const texts = [];
  const collect = (value) => {
    if (typeof value === "string") texts.push(value);
    else if (value !== null && typeof value === "object") {
      for (const [name, each] of Object.entries(value)) {
        texts.push(name);
        collect(each);
      }
    } else texts.push(String(value));
  };
  collect(entry);
  return texts.join("\n").toLowerCase();
}
