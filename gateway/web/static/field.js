/* One value as it is drawn anywhere: number, or shape and word, with what is left of its time.
 *
 * makeField(root, parts) puts spans of these classes into `root`: shape, value, word, age, fresh.
 * fillField(field, channel, elapsedMs, options) draws a channel, or that there is none (null).
 * Options: `crossed`: whether the number of a faulty sensor is shown, crossed out; `tiny`: words
 * of at most five letters; `tight`: no space in an age; `mark`: the priority of an alarm on it; `name`: what it is called.
 */

import { age, clockAge, exact, known, number, place, t, unit } from "./i18n.js";
import { attribute, element, hide, label, property, text } from "./dom.js";
import { appearance } from "./model.js";

const DASH = "\u2013";
const LONGEST = 6;
const SHAPES = { ok: "", stale: "diamond", waiting: "ring", fault: "cross", none: "", blank: "" };
export const ALARM_SHAPES = { high: "triangle", medium: "square", low: "disc" };

export function makeField(root, parts) {
  const field = { root };
  for (const part of parts) {
    const hidden = part === "shape" || part === "fresh" ? { "aria-hidden": "true" } : {};
    field[part] = element("span", part, hidden);
    root.append(field[part]);
  }
  return field;
}

export function fillField(field, channel, elapsedMs, options = {}) {
  const seen = appearance(channel, elapsedMs);
  const ageText = seen.ageMs === null ? "" : age(seen.ageMs);
  const good = seen.look === "ok";
  const drawable = seen.value !== null && (good || options.crossed === true);
  const mark = good ? (options.mark ?? "") : "";
  attribute(field.root, "data-look", seen.look);
  attribute(field.root, "data-alarm", mark);
  attribute(field.shape, "data-shape", mark === "" ? SHAPES[seen.look] : ALARM_SHAPES[mark]);
  const shown = drawable ? number(seen.value, channel.decimals) : DASH;
  text(field.value, shown);
  const signs = shown.replace(/[.,]/, "");
  attribute(field.value, "data-length", String(Math.min(signs.length, LONGEST)));
  attribute(field.value, "data-parted", String(/[.,\u2212]/.test(shown)));
  attribute(field.value, "data-crossed", String(drawable && !good));
  const form = options.tiny ? "tiny" : "quality";
  text(field.word, good ? "" : known(`${form}.${seen.quality}`) ? t(`${form}.${seen.quality}`) : seen.quality);
  const told = options.tiny && seen.ageMs !== null ? clockAge(seen.ageMs) : ageText;
  text(field.age, options.tight ? told.replace(" ", "") : told);
  property(field.fresh, "--left", seen.left.toFixed(2));
  hide(field.fresh, !good);
  if (channel === null) {
    label(field.root, `${options.name}, ${t("long.none")}`);
    return seen;
  }
  const reading = good ? `${exact(seen.value, channel.decimals)} ${unit(channel.unit)}` : "";
  const meaning = known(`long.${seen.quality}`) ? t(`long.${seen.quality}`) : seen.quality;
  const named = [place(channel.place), t(`full.${channel.quantity}`)];
  const alarm = mark === "" ? "" : t(`priority.${mark}`);
  const parts = [...(options.name ? [options.name] : named), reading, meaning, alarm, ageText];
  label(field.root, parts.filter((part) => part !== "").join(", "));
  return seen;
}

export function blankField(field) {
  attribute(field.root, "data-look", "blank");
  attribute(field.root, "data-alarm", "");
  attribute(field.shape, "data-shape", "");
  text(field.value, DASH);
  attribute(field.value, "data-crossed", "false");
  text(field.word, "");
  text(field.age, "");
  hide(field.fresh, true);
  label(field.root, "");
}
