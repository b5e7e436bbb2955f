/* Texts, numbers and time spans in the language chosen.
 *
 * The language is the one kept in this browser, else the one the gateway sent the page in.
 * t(key, n) is a text of the table; known(key) says whether there is one. A quantity, unit or
 * place that the table lacks is shown as it was sent.
 */

import { LANGUAGES, TEXTS } from "./texts.js";

const KEPT = "axlebox.language";
const DIGITS = 3;

let chosen = Math.max(0, LANGUAGES.indexOf(kept() ?? document.documentElement.lang));
document.documentElement.lang = LANGUAGES[chosen];

export function nextLanguage() {
  chosen = (chosen + 1) % LANGUAGES.length;
  document.documentElement.lang = LANGUAGES[chosen];
  try {
    localStorage.setItem(KEPT, LANGUAGES[chosen]);
  } catch {
    // a browser that keeps nothing still switches
  }
}

export function known(key) {
  return Object.hasOwn(TEXTS, key);
}

export function t(key, n = "") {
  if (!known(key)) return key.slice(key.indexOf(".") + 1);
  return TEXTS[key][chosen].replace("{n}", n);
}

/* At most `decimals` places, fewer where three digits are reached before: 412, 23.1, 0.52. */
export function number(value, decimals) {
  let places = Math.min(decimals ?? 1, DIGITS - 1);
  while (places > 0 && Math.abs(value).toFixed(places).length > DIGITS + 1) places -= 1;
  return localised(value, places);
}

export function exact(value, decimals) {
  return localised(value, decimals ?? 1);
}

export function age(ageMs) {
  const seconds = Math.floor(Math.max(0, ageMs) / 1000);
  if (seconds < 1) return t("age.now");
  if (seconds < 60) return t("age.s", seconds);
  if (seconds < 3600) return t("age.min", Math.floor(seconds / 60));
  if (seconds < 86_400) return t("age.h", Math.floor(seconds / 3600));
  return t("age.d", Math.floor(seconds / 86_400));
}

/* A time span of at most five signs, for narrow columns: 12 s, 0:45, 31:05 of hours. */
export function clockAge(ageMs) {
  const seconds = Math.floor(Math.max(0, ageMs) / 1000);
  if (seconds < 60) return age(ageMs);
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 6000) return ">99";
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
}

/* On which side of its limit the value of an alarm is. */
export function limitSign({ value, limit }) {
  return value < limit ? "<" : ">";
}

/* Bytes as MB or GB. */
export function size(bytes) {
  const [amount, name] = bytes < 1e9 ? [bytes / 1e6, "unit.MB"] : [bytes / 1e9, "unit.GB"];
  return `${localised(amount, amount < 10 ? 1 : 0)} ${t(name)}`;
}

/* A count in at most four characters: 9999, 12k, 3M. */
export function count(amount) {
  if (amount < 10_000) return String(amount);
  return amount < 1e6 ? `${Math.floor(amount / 1e3)}k` : `${Math.floor(amount / 1e6)}M`;
}

export function unit(name) {
  return t(`unit.${name}`);
}

export function place(name) {
  const [kind, count, ...sides] = name.split(" ");
  if (!known(`place.${kind}`)) return name;
  return [t(`place.${kind}`, count), ...sides.map((side) => t(`place.${side}`))].join(" ");
}

function localised(value, places) {
  const text = value.toFixed(places);
  const unsigned = Number(text) === 0 ? text.replace("-", "") : text.replace("-", "\u2212");
  return LANGUAGES[chosen] === "en" ? unsigned : unsigned.replace(".", ",");
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
