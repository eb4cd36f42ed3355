// Elements from data. Everything becomes text: what a client sent is never markup.

import { moment } from "./format.js";

/**
 * Make an element.
 *
 * `on` holds listeners by event; `text` becomes the text; `true` sets an attribute
 * without a value; null, undefined and false leave it out.
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (key === "text") {
      element.textContent = value;
    } else if (key === "value") {
      element.value = value;
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(key, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const find = (selector, from = document) => from.querySelector(selector);

export const button = (text, click, attributes = {}) =>
  make("button", { type: "button", text, on: { click }, ...attributes });

/** A field with its label above it. */
export function field(label, control, hint = null) {
  const box = make("label", { class: "field" }, make("span", { text: label }), control);
  if (hint) box.append(make("small", { text: hint }));
  return box;
}

export function select(name, options, attributes = {}) {
  const made = options.map((each) => {
    const [value, text] = Array.isArray(each) ? each : [each, each];
    return make("option", { value, text });
  });
  return make("select", { name, ...attributes }, ...made);
}

/**
 * A table.
 *
 * A column is {title, cell(row), kind?}; a cell is a text, a number or an element. On a
 * narrow screen each row becomes a card whose cells are named by `data-title`.
 */
export function table(caption, columns, rows) {
  const head = columns.map(({ title, kind }) =>
    make("th", { scope: "col", class: kind, text: title }),
  );
  const body = rows.map((row) =>
    make(
      "tr",
      {},
      ...columns.map(({ title, cell, kind }) => {
        const content = cell(row) ?? "";
        const at = make("td", { class: kind, "data-title": title });
        at.append(content instanceof Node ? content : String(content));
        return at;
      }),
    ),
  );
  return make(
    "table",
    { class: "data" },
    make("caption", { class: "unseen", text: caption }),
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...body),
  );
}

/** A moment, to the second; the title has the rest. */
export function when(seconds) {
  const exact = moment(seconds);
  const [day, time] = exact.split(/[T.]/);
  return make("time", { datetime: exact, title: exact, text: `${day} ${time}Z` });
}

/** A list of facts by name; facts that are absent are left out. */
export function facts(entries) {
  const list = make("dl", { class: "facts" });
  for (const [name, value] of entries) {
    if (value === null || value === undefined || value === "") continue;
    const description = make("dd");
    description.append(value instanceof Node ? value : String(value));
    list.append(make("dt", { text: name }), description);
  }
  return list;
}

export const empty = (title, ...texts) =>
  make(
    "div",
    { class: "empty" },
    make("h3", { text: title }),
    ...texts.map((each) => (each instanceof Node ? each : make("p", { text: each }))),
  );

/** Say something once to a screen reader, and show it for a moment. */
export function announce(text, level = "info") {
  const place = find("#notice");
  const line = make("p", { class: `notice ${level}`, text });
  place.replaceChildren(line);
  clearTimeout(announce.timer);
  const seconds = level === "bad" ? 12 : 4;
  announce.timer = setTimeout(() => line.remove(), seconds * 1000);
}

/** Run what a button asked for, and show plainly what went wrong. */
export async function attempt(action, done = null) {
  try {
    const result = await action();
    if (done) announce(typeof done === "function" ? done(result) : done);
    return result;
  } catch (error) {
    announce(error.message, "bad");
    return undefined;
  }
}

/** Show other content, and leave the focus on what is called the same there. */
export function replaceContent(place, ...content) {
  const focused = document.activeElement;
  const name = place.contains(focused) ? focused.getAttribute("aria-label") : null;
  place.replaceChildren(...content.filter(Boolean));
  if (name) find(`[aria-label="${CSS.escape(name)}"]`, place)?.focus();
}
