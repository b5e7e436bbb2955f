/* The strip: the alarm that matters most, in words, and what to do; said once to a screen reader.
 *
 * learn(words) takes the words of all rules; draw(state, elapsedMs), blank() and retext() as on the
 * other screens. wordsOf(alarm) are code, title, meaning and action in the language chosen.
 * sentences(parts) is how these are read aloud.
 */

import { limitSign, number, place, t, unit } from "./i18n.js";
import { LANGUAGES } from "./texts.js";
import { at, attribute, text } from "./dom.js";
import { ALARM_SHAPES } from "./field.js";
import { hasNumber, seen } from "./model.js";

let rules = {};
let spoken = "";
let fitted = "";

export function learn(words) {
  rules = words;
}

export function knows(alarm) {
  return Object.hasOwn(rules, alarm.rule);
}

export function wordsOf(alarm) {
  if (!knows(alarm)) return { code: alarm.code, title: alarm.rule, meaning: "", action: "" };
  const { code, title, meaning, action } = rules[alarm.rule];
  const language = LANGUAGES.includes(document.documentElement.lang)
    ? document.documentElement.lang
    : LANGUAGES[0];
  return { code, title: title[language], meaning: meaning[language], action: action[language] };
}

export function sentences(parts) {
  const told = parts.filter((part) => part !== "").map((part) => part.replace(/\.$/, ""));
  return `${told.join(". ")}.`;
}

/* Where, and how far: "motor 3 · 187 > 180 °C". */
export function factsOf(alarm, state, elapsedMs) {
  const about = alarm.quantity === null || alarm.kind !== "sensor" ? "" : t(`full.${alarm.quantity}`);
  const reading =
    !hasNumber(alarm, state, elapsedMs)
      ? ""
      : alarm.limit === null
        ? `${number(alarm.value, 1)} ${unit(alarm.unit)}`
        : `${number(alarm.value, 1)} ${limitSign(alarm)} ${number(alarm.limit, 1)} ${unit(alarm.unit)}`;
  const whole = reading.replaceAll(" ", "\u00a0");
  return [place(alarm.place), about, whole].filter((part) => part !== "").join(" · ");
}

export function draw(state, elapsedMs) {
  const shown = seen(state.alarms);
  const strip = at("strip");
  const [first] = shown;
  if (first === undefined) {
    attribute(strip, "data-alarm", "");
    attribute(strip, "data-state", "");
    shape("");
    put(".code", "");
    put(".title", t("alarms.none"));
    put(".more", "");
    put(".facts", shelvedText(state));
    put(".body", t("advises"));
    name([t("alarms.none"), shelvedText(state)]);
    fitted = "";
    say("");
    return;
  }
  const told = wordsOf(first);
  const facts = [factsOf(first, state, elapsedMs), stateWord(first)].filter((part) => part !== "").join(" · ");
  const priority = t(`priority.${first.priority}`);
  attribute(strip, "data-alarm", first.priority);
  attribute(strip, "data-state", first.state);
  shape(ALARM_SHAPES[first.priority]);
  put(".code", told.code);
  put(".title", told.title);
  put(".more", shown.length > 1 ? `+${shown.length - 1}` : "");
  put(".facts", facts);
  tell(told);
  name([`${t("alarms")}: ${shown.length}`, priority, told.code, told.title, facts, told.action]);
  if (knows(first)) say(sentences([priority, told.code, told.title, place(first.place), told.action]), first.id);
}

/* What it means and what to do; where both have no room, what to do. */
function tell({ meaning, action }) {
  const wanted = [meaning, action, innerWidth, innerHeight, at("shell").dataset.screen].join();
  const body = at("strip").querySelector(".body");
  if (wanted === fitted && body.textContent !== "") return;
  fitted = wanted;
  text(body, `${meaning} ${action}`.trim());
  // Letters may reach a little beyond their line; a line that has no room is a whole one.
  const halfALine = parseFloat(getComputedStyle(body).lineHeight) / 2;
  if (body.scrollHeight > body.clientHeight + halfALine && action !== "") text(body, action);
}

export function blank() {
  fitted = "";
  attribute(at("strip"), "data-alarm", "");
  name([t("alarms")]);
  shape("");
  for (const part of [".code", ".title", ".more", ".facts", ".body"]) put(part, "");
}

export function retext() {
  spoken = "";
}

export function stateWord(alarm) {
  return alarm.state === "unacknowledged" ? "" : t(`alarm.${alarm.state}`);
}

function shelvedText(state) {
  const many = state.alarms.length;
  return many === 0 ? "" : t("alarms.shelved", many);
}

function name(parts) {
  attribute(at("strip"), "aria-label", sentences(parts));
}

function shape(kind) {
  attribute(at("strip").querySelector(".shape"), "data-shape", kind);
}

function put(part, content) {
  text(at("strip").querySelector(part), content);
}

/* Once an alarm, not each time that its value moves. */
function say(sentence, id = "") {
  if (id === spoken) return;
  spoken = id;
  text(at("spoken"), sentence);
}
