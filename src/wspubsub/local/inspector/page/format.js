// Numbers, times and IDs as people read them.

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const number = new Intl.NumberFormat("en");

export const count = (value) => number.format(value);

export const plural = (value, word, words = `${word}s`) =>
  `${count(value)} ${value === 1 ? word : words}`;

/** What people call a field: `connected_at` is “Connected at”. */
export function nameOf(field) {
  const words = field.replaceAll("_", " ").replace(/\b(api|id)\b/g, (each) => each.toUpperCase());
  return words[0].toUpperCase() + words.slice(1);
}

/** A moment's time of day, to the millisecond. */
export function timeOfDay(seconds) {
  const milliseconds = Math.floor((seconds * 1000) % 1000);
  return `${clock.format(new Date(seconds * 1000))}.${String(milliseconds).padStart(3, "0")}`;
}

export const moment = (seconds) => new Date(seconds * 1000).toISOString();

export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "";
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(2)} s`;
  return span(milliseconds / 1000);
}

/** Seconds as `2 h 5 min`. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

export function bytes(size) {
  if (size === null || size === undefined) return "";
  if (size < 1024) return plural(size, "byte");
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(1)} KB`;
  return `${(size / 1024 / 1024).toFixed(1)} MB`;
}

/** One line of a text, with what would break the line or hide itself made visible. */
export function oneLine(text, limit = 300) {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (each) =>
    each === "\n" ? "⏎" : each === "\t" ? " " : `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
