// Keys, and the dialog that lists them.

import { find, make } from "./dom.js";
import { prepareShortcutSwitch, switchTheme, usesShortcuts } from "./settings.js";

const TYPING = "input, textarea, select, [contenteditable]";

export function prepareShortcuts({ tabs, activity }) {
  const inActivity = (action) => () => {
    if (tabs.current !== "activity") tabs.show("activity");
    action();
  };
  const keys = {
    "?": ["List the shortcuts", toggleHelp],
    "1 … 6": ["Show a view", null],
    "/": ["Find text", inActivity(findText)],
    p: ["Pause or resume", inActivity(() => activity.pause())],
    x: ["Clear the activity", inActivity(() => activity.clear())],
    j: ["Next entry", inActivity(() => activity.move(1))],
    k: ["Previous entry", inActivity(() => activity.move(-1))],
    "← →": ["Close and open a tree, in the list", null],
    Enter: ["Go to the details, from the list", null],
    r: ["Replay the selected invocation", inActivity(() => activity.replaySelected())],
    e: ["Expand all", inActivity(() => activity.openAll(true))],
    c: ["Collapse all", inActivity(() => activity.openAll(false))],
    t: ["Light, dark, or as the system", switchTheme],
    Escape: ["Close the details", null],
  };
  const list = Object.entries(keys).flatMap(([key, [text]]) => [
    make("dt", {}, make("kbd", { text: key })), make("dd", { text }),
  ]);
  find("#shortcuts").append(...list);
  find("#help-button").addEventListener("click", toggleHelp);
  find("#help-close").addEventListener("click", toggleHelp);
  prepareShortcutSwitch();
  document.addEventListener("keydown", (event) => press(event, keys, tabs, activity));
}

function press(event, keys, tabs, activity) {
  if (event.ctrlKey || event.metaKey || event.altKey || find("#main").hidden) return;
  if (event.key === "Escape" && !find("#help").open) return leave(event, activity);
  if (event.target.closest(TYPING) || !usesShortcuts()) return;
  if (find("#help").open && event.key !== "?") return;
  const tab = Number.parseInt(event.key, 10) - 1;
  if (tab in tabs.names) tabs.show(tab);
  else if (keys[event.key]?.[1]) keys[event.key][1]();
  else return;
  event.preventDefault();
}

function leave(event, activity) {
  if (event.target.closest(TYPING)) event.target.blur();
  else if (activity.selected) {
    activity.select(null);
    find("#tree").focus();
  }
}

function toggleHelp() {
  const help = find("#help");
  if (help.open) help.close();
  else help.showModal();
}

function findText() {
  find("#filter").open = true;
  find('#filter [name="text"]').focus();
}
