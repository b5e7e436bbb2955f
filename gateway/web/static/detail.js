/* The screen of one axle with its motor, of brakes and air, or of the rest: every value that is
 * measured there, and the course of the one chosen. show(name) says which; step(by) the next;
 * nextSpan() how far back.
 */

import { age, exact, place, t, unit } from "./i18n.js";
import { at, attribute, element, hide, text, words } from "./dom.js";
import { drawChart } from "./chart.js";
import { blankField, fillField, makeField } from "./field.js";
import { marks, units } from "./model.js";

const SPANS_S = [600, 3600, 21_600, 86_400];
const POINTS = 240;
const FRESH_MS = 10_000;
const AGAIN_MS = 3000;
const PARTS = ["shape", "value", "unit", "word", "age", "fresh"];

const tiles = new Map();
let shown = "1";
let names = [];
let chosen = null;
let span = SPANS_S[0];
let built = "";
let asked = null;
let parts = null;

export function show(name) {
  shown = name;
  built = "";
}

export function step(by) {
  const index = Math.max(0, names.indexOf(shown));
  return names[(index + by + names.length) % names.length] ?? "1";
}

export function nextSpan() {
  span = SPANS_S[(SPANS_S.indexOf(span) + 1) % SPANS_S.length];
  asked = null;
}

export function spanText() {
  return age(span * 1000);
}

export function draw(state, elapsedMs) {
  const all = units(state);
  names = [...all.filter(({ channels }) => channels.length > 0).map(({ name }) => name), "service"];
  const { name, channels } = all.find((one) => one.name === shown) ?? all[0];
  const wanted = JSON.stringify([name, document.documentElement.lang, channels.map(({ id, quantity, place: where }) => [id, quantity, where])]);
  if (wanted !== built) {
    build(name, channels);
    built = wanted;
  }
  const marked = marks(state);
  for (const channel of channels) {
    fillField(tiles.get(channel.id), channel, elapsedMs, { crossed: true, mark: marked.get(channel.id) });
  }
  const channel = channels.find(({ id }) => id === chosen);
  hide(parts.course, channel === undefined);
  if (channel !== undefined) follow(channel);
}

export function blank() {
  for (const field of tiles.values()) blankField(field);
  asked = null;
  parts?.chart.replaceChildren();
  if (parts !== null) text(parts.about, "");
}

export function retext() {
  built = "";
  asked = null;
}

function build(name, channels) {
  if (parts === null) {
    parts = { title: element("h2", "title"), values: element("div", "values"), course: element("figure", "course") };
    parts.empty = element("p", "empty");
    parts.about = element("figcaption", "about");
    parts.chart = element("div", "plot");
    parts.course.append(parts.about, parts.chart);
    at("detail").append(parts.title, parts.values, parts.course, parts.empty);
  }
  text(parts.title, titleOf(name));
  attribute(at("detail"), "aria-label", titleOf(name));
  text(parts.empty, t("long.none"));
  hide(parts.empty, channels.length > 0);
  tiles.clear();
  if (!channels.some(({ id }) => id === chosen)) choose(channels[0]?.id ?? null);
  parts.values.replaceChildren(...channels.map(makeTile));
  attribute(parts.values, "data-many", String(channels.length > 4));
}

function makeTile(channel) {
  const root = element("button", "tile", { type: "button", "data-channel": channel.id });
  const side = /(left|right)$/.exec(channel.place)?.[1];
  const where = side === undefined ? (/^bogie ([0-9]+)$/.exec(channel.place)?.[1] ?? "") : t(`brief.${side}`);
  root.append(words(`${t(`short.${channel.quantity}`)} ${where}`, "name"));
  const field = makeField(root, PARTS);
  text(field.unit, unit(channel.unit));
  attribute(root, "aria-pressed", String(channel.id === chosen));
  root.addEventListener("click", () => choose(channel.id));
  tiles.set(channel.id, field);
  return root;
}

function choose(id) {
  chosen = id;
  asked = null;
  for (const [one, field] of tiles) attribute(field.root, "aria-pressed", String(one === id));
}

/* Asks for the course anew when it is old, and draws what comes while the screen is shown. */
function follow(channel) {
  const now = performance.now();
  if (asked !== null && now - asked.at < (asked.failed ? AGAIN_MS : FRESH_MS)) return;
  const mine = { at: now, failed: false };
  const first = asked === null;
  asked = mine;
  if (first) parts.chart.replaceChildren();
  if (first) text(parts.about, t(`full.${channel.quantity}`));
  const query = new URLSearchParams({
    node: channel.node,
    channel: `${channel.quantity} at ${channel.place}`,
    seconds: String(span),
    points: String(POINTS),
  });
  ask(query)
    .then((trend) => {
      if (asked === mine) plot(channel, trend);
    })
    .catch((error) => {
      mine.failed = true;
      if (!(error instanceof TypeError)) console.error(error);
    });
}

async function ask(query) {
  const response = await fetch(`/api/trend?${query}`, { cache: "no-store" });
  return response.ok ? response.json() : null;
}

function plot(channel, trend) {
  const known = trend?.mean.filter((value) => value !== null) ?? [];
  const name = t(`full.${channel.quantity}`);
  if (known.length === 0) {
    text(parts.about, `${name}: ${t("trend.none")}`);
    parts.chart.replaceChildren();
    return;
  }
  const low = Math.min(...trend.low.filter((value) => value !== null));
  const high = Math.max(...trend.high.filter((value) => value !== null));
  const told = `${exact(low, channel.decimals)} \u2026 ${exact(high, channel.decimals)} ${unit(trend.unit)}`;
  text(parts.about, `${name}: ${told}`);
  const letter = parseFloat(getComputedStyle(parts.chart).fontSize);
  const { clientWidth: width, clientHeight: height } = parts.chart;
  if (width === 0) {
    asked = null;
    return;
  }
  const chart = drawChart(trend, { width, height, text: letter });
  attribute(chart, "aria-label", `${name}, ${place(channel.place)}, ${spanText()}: ${told}`);
  parts.chart.replaceChildren(chart);
}

function titleOf(name) {
  if (name === "air") return t("detail.air");
  if (name === "rest") return t("detail.rest");
  return t("detail.axle", name);
}
