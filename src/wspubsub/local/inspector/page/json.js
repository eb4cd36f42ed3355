// JSON as one reads it: indented, colored, and ready to be copied.

import { announce, button, make } from "./dom.js";

const MAX_COLORED = 100_000;
const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A block with a title, a text, and a button that copies it. */
export function textBlock(title, text, { isJson = false, level = "" } = {}) {
  const code = make("code");
  if (isJson && text.length <= MAX_COLORED) code.append(...color(text));
  else code.textContent = text;
  return make(
    "section",
    { class: `block ${level}` },
    make("header", {}, make("h4", { text: title }), ...[copyButton(title, text)].filter(Boolean)),
    make("pre", { tabindex: "0", "aria-label": title }, code),
  );
}

export function jsonBlock(title, value, options = {}) {
  if (value === undefined || value === null) return null;
  // What was cut is a text that is no longer JSON.
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return textBlock(title, text, { isJson: true, ...options });
}

function* color(text) {
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > end) yield text.slice(end, match.index);
    const [whole, string, colon] = match;
    const kind = colon ? "name" : string ? "string" : "value";
    yield make("span", { class: `json-${kind}`, text: string ?? whole });
    if (colon) yield colon;
    end = match.index + whole.length;
  }
  yield text.slice(end);
}

function copyButton(title, text) {
  // Browsers let only pages of this machine or with https write to the clipboard.
  if (!navigator.clipboard) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    announce(`${title} copied`);
  };
  return button("Copy", () => copy().catch((error) => announce(error.message, "bad")), {
    class: "small", "aria-label": `Copy ${title}`,
  });
}
