/* The second screen: every alarm that is not normal, and what can be done with each. */

import { age, place, t } from "./i18n.js";
import { act, askMinutes } from "./actions.js";
import { at, attribute, element, hide, text, words } from "./dom.js";
import { ALARM_SHAPES } from "./field.js";
import { factsOf, sentences, wordsOf } from "./strip.js";

const items = new Map();
const opened = new Set();
let list = null;

export function draw(state, elapsedMs) {
  if (list === null) build();
  const present = new Set(state.alarms.map(({ id }) => id));
  for (const [id, item] of items) {
    if (present.has(id)) continue;
    item.root.remove();
    items.delete(id);
  }
  state.alarms.forEach((alarm, index) => {
    if (!items.has(alarm.id)) items.set(alarm.id, makeItem(alarm.id));
    const item = items.get(alarm.id);
    if (list.children[index] !== item.root) list.insertBefore(item.root, list.children[index] ?? null);
    fill(item, alarm, state, elapsedMs);
  });
  hide(at("alarms").querySelector(".empty"), state.alarms.length > 0);
}

export function blank() {
  items.clear();
  list?.replaceChildren();
}

export function retext() {
  const empty = at("alarms").querySelector(".empty");
  if (empty !== null) text(empty, t("alarms.none"));
  attribute(at("alarms"), "aria-label", t("alarms"));
}

function build() {
  list = element("ul", "list");
  const empty = element("p", "empty");
  at("alarms").append(empty, list);
  retext();
}

function makeItem(id) {
  const root = element("li", "alarm", { "data-id": id });
  const told = element("button", "told", { type: "button", "aria-expanded": "false" });
  const head = element("span", "head");
  const item = { root, told, shape: element("span", "shape", { "aria-hidden": "true" }) };
  for (const part of ["code", "title"]) item[part] = words("", part);
  head.append(item.shape, item.code, item.title);
  told.append(head);
  for (const part of ["facts", "state", "body"]) {
    item[part] = words("", part);
    told.append(item[part]);
  }
  told.addEventListener("click", () => {
    if (!opened.delete(id)) opened.add(id);
    attribute(told, "aria-expanded", String(opened.has(id)));
  });
  item.first = element("button", "key", { type: "button" });
  item.second = element("button", "key", { type: "button" });
  item.first.addEventListener("click", () => act("acknowledge", { alarm: id }));
  item.second.addEventListener("click", () => put(item, id));
  root.append(told, item.first, item.second);
  return item;
}

/* A key shows what it does; read aloud it says to which alarm. */
function name(key, does, about) {
  text(key, does);
  attribute(key, "aria-label", [does, ...about].join(", "));
}

/* Out of sight for some time, or back. */
async function put(item, id) {
  if (item.root.dataset.state === "shelved") {
    await act("unshelve", { alarm: id });
    return;
  }
  const minutes = await askMinutes();
  if (minutes !== null) await act("shelve", { alarm: id, minutes });
}

function fill(item, alarm, state, elapsedMs) {
  const told = wordsOf(alarm);
  const facts = factsOf(alarm, state, elapsedMs);
  attribute(item.root, "data-alarm", alarm.priority);
  attribute(item.root, "data-state", alarm.state);
  attribute(item.shape, "data-shape", ALARM_SHAPES[alarm.priority]);
  text(item.code, told.code);
  text(item.title, told.title);
  text(item.facts, facts);
  text(item.state, stateOf(alarm, state, elapsedMs));
  text(item.body, `${told.meaning} ${told.action}`.trim());
  attribute(item.told, "aria-label", sentences([
    t(`priority.${alarm.priority}`), told.code, told.title, facts,
    t(`alarm.${alarm.state}`), told.meaning, told.action,
  ]));
  const about = [told.code, told.title, place(alarm.place)];
  name(item.first, t("key.acknowledge"), about);
  name(item.second, t(alarm.state === "shelved" ? "key.unshelve" : "key.shelve"), about);
  const asks = ["unacknowledged", "returned"].includes(alarm.state);
  if (!asks && document.activeElement === item.first) item.told.focus();
  hide(item.first, !asks);
  hide(item.second, alarm.state === "returned");
}

/* For how long it has been there, what became of it, by whom, and until when. */
function stateOf(alarm, state, elapsedMs) {
  const parts = [age(alarm.age_ms + elapsedMs), t(`alarm.${alarm.state}`)];
  if (alarm.state === "acknowledged" && alarm.acknowledged_by) parts.push(alarm.acknowledged_by);
  if (alarm.shelved_until_ms !== null) {
    const leftMs = alarm.shelved_until_ms - state.now_ms - elapsedMs;
    parts.push(t("shelved.left", age(leftMs)));
  }
  return parts.join(" · ");
}
