// What the user has chosen for this browser: light or dark, and shortcuts.

import { find, make } from "./dom.js";

const THEME = "wspubsub-theme";
const SHORTCUTS = "wspubsub-shortcuts";
const NEXT = { system: "light", light: "dark", dark: "system" };
const NAMES = { system: "Auto", light: "Light", dark: "Dark" };

export function prepareTheme() {
  useTheme(localStorage.getItem(THEME) ?? "system");
  find("#theme").addEventListener("click", switchTheme);
}

export function switchTheme() {
  useTheme(NEXT[document.documentElement.dataset.theme]);
}

function useTheme(name) {
  const theme = name in NEXT ? name : "system";
  document.documentElement.dataset.theme = theme;
  const wide = make("span", { class: "wide", text: "Theme: " });
  find("#theme").replaceChildren(wide, NAMES[theme]);
  find("#theme").setAttribute("aria-label", `Theme: ${NAMES[theme]}`);
  if (theme === "system") localStorage.removeItem(THEME);
  else localStorage.setItem(THEME, theme);
}

export function prepareShortcutSwitch() {
  const box = find("#use-shortcuts");
  box.checked = usesShortcuts();
  box.addEventListener("change", () => localStorage.setItem(SHORTCUTS, box.checked ? "on" : "off"));
}

export const usesShortcuts = () => localStorage.getItem(SHORTCUTS) !== "off";
