/* The page itself: draws what it is given and keeps nothing of its own but elements.
 *
 * draw(state, elapsedMs) shows a state `elapsedMs` after it was taken; elements are made only when
 * the set of channels or nodes changes. blank() takes every value off the page. link(condition,
 * silenceMs) shows a "good", "poor" or missing ("none") connection. cover(kind, silenceMs) covers the page with a banner of kind
 * "connecting", "lost" or "full", or uncovers it (null). retext() puts the fixed texts into the
 * language chosen. All text goes in as text, never as markup.
 */

import { age, count, exact, known, number, place, size, t, unit } from "./i18n.js";
import { drawLocomotive } from "./locomotive.js";
import { appearance, arrange, nodeStatus, strange, total } from "./model.js";

const DASH = "\u2013";
const FEW_TILES = 4;
const WIDE_COLUMNS = 6;
const LONGEST = 6;
const DAY_MS = 86_400_000;
const NODE_COUNTS = [
  "outbox_messages",
  "frames_refused",
  "resent_messages",
  "link_errors",
  "lost_samples",
  "thinned_samples",
  "dropped_samples",
  "round_trip_ms",
  "clock_error_ms",
];
const SHAPES = { ok: "", stale: "diamond", waiting: "ring", fault: "triangle", blank: "" };

const at = (id) => document.getElementById(id);
const fields = new Map();
const nodeChips = new Map();
let drawn = "";

export function draw(state, elapsedMs) {
  text(at("locomotive"), state.locomotive.id);
  text(at("class"), state.locomotive.title);
  clock(state, elapsedMs);
  const wanted = JSON.stringify([
    document.documentElement.lang,
    state.channels.map(({ id, quantity, place: where, unit: of }) => [id, quantity, where, of]),
    state.nodes.map(({ name }) => name),
  ]);
  if (wanted !== drawn) {
    build(state);
    drawn = wanted;
  }
  for (const channel of state.channels) fill(fields.get(channel.id), channel, elapsedMs);
  for (const node of state.nodes) fillNode(nodeChips.get(node.name), node, elapsedMs);
  store(state, elapsedMs);
}

export function blank() {
  for (const field of fields.values()) {
    look(field, "blank");
    text(field.value, DASH);
    attribute(field.value, "data-crossed", "false");
    text(field.word, "");
    text(field.age, "");
    label(field.root, "");
  }
  for (const chip of nodeChips.values()) chipLook(chip, "", DASH, "");
  chipLook(chipOf(at("clock")), "", `${DASH}${DASH}:${DASH}${DASH}`, "");
  at("store").replaceChildren();
}

export function link(condition, silenceMs) {
  const chip = chipOf(at("link"));
  const shape = { good: "disc", poor: "diamond", none: "cross" }[condition];
  chipLook(chip, shape, t("link"), condition === "poor" ? age(silenceMs) : "");
}

export function cover(kind, silenceMs) {
  at("cover").hidden = kind === null;
  if (kind === null) return;
  attribute(at("cover"), "data-kind", kind);
  text(at("banner-title"), t(`banner.${kind}`));
  text(at("banner-why"), t(`banner.${kind}.why`));
  text(at("banner-note"), kind === "connecting" ? t("advises") : "");
  text(at("banner-age"), Number.isFinite(silenceMs) ? age(silenceMs) : "");
}

export function retext() {
  text(at("language"), t("language.short"));
  attribute(at("language"), "aria-label", `${t("language.name")}, ${t("language.change")}`);
  attribute(at("matrix"), "aria-label", t("values"));
  attribute(at("tiles"), "aria-label", t("values"));
  attribute(at("nodes"), "aria-label", t("nodes"));
  attribute(at("store"), "aria-label", t("store"));
}

function build(state) {
  fields.clear();
  nodeChips.clear();
  const { columns, rows, tiles } = arrange(state.channels);
  buildMatrix(columns, rows);
  const roomy = tiles.length <= FEW_TILES;
  attribute(at("tiles"), "data-many", String(!roomy));
  at("tiles").replaceChildren(...tiles.map((channel) => buildTile(channel, roomy)));
  at("nodes").replaceChildren(
    ...state.nodes.map((node) => {
      const chip = makeChip("li", ["shape", "name", "word", "age"]);
      text(chip.name, node.name);
      nodeChips.set(node.name, chip);
      return chip.root;
    }),
  );
}

function buildMatrix(columns, rows) {
  const matrix = at("matrix");
  matrix.hidden = rows.length === 0;
  matrix.style.setProperty("--columns", columns);
  matrix.style.setProperty("--rows", rows.length);
  const roomy = columns <= WIDE_COLUMNS;
  attribute(matrix, "data-dense", String(!roomy));
  const head = element("div", "row", { role: "row" });
  head.append(positioned(element("span", "corner", { role: "columnheader" }), 1, 1));
  for (let column = 1; column <= columns; column += 1) {
    const wheel = element("span", "wheel", { role: "columnheader" });
    attribute(wheel, "aria-label", t("place.axle", column));
    text(wheel, String(column));
    head.append(positioned(wheel, 1, column + 1));
  }
  matrix.replaceChildren(...(columns > 0 ? [drawLocomotive(columns), head] : []));
  rows.forEach((row, index) => {
    const line = element("div", "row", { role: "row" });
    const name = element("div", "label", { role: "rowheader" });
    attribute(name, "title", t(`full.${row.quantity}`));
    name.append(words(`${short(row.quantity)} ${row.side && t(`place.${row.side}`)}`, "name"));
    name.append(words(unit(row.unit), "unit"));
    line.append(positioned(name, index + 2, 1));
    row.cells.forEach((channel, column) => {
      const cell = element("div", "cell", { role: "cell" });
      if (channel !== null) addField(cell, channel, ["shape", "value", "word", "age"], roomy);
      line.append(positioned(cell, index + 2, column + 2));
    });
    matrix.append(line);
  });
}

function buildTile(channel, roomy) {
  const tile = element("div", "tile", { role: "listitem" });
  tile.append(words(tileName(channel), "name"));
  addField(tile, channel, ["shape", "value", "unit", "word", "age"], roomy);
  text(fields.get(channel.id).unit, unit(channel.unit));
  return tile;
}

function addField(root, channel, parts, crossable) {
  attribute(root, "data-channel", channel.id);
  const field = { root, crossable };
  for (const part of parts) {
    field[part] = element("span", part, part === "shape" ? { "aria-hidden": "true" } : {});
    root.append(field[part]);
  }
  fields.set(channel.id, field);
}

function fill(field, channel, elapsedMs) {
  const seen = appearance(channel, elapsedMs);
  const ageText = seen.ageMs === null ? "" : age(seen.ageMs);
  const drawable = seen.value !== null && (seen.look === "ok" || field.crossable);
  look(field, seen.look);
  const shown = drawable ? number(seen.value, channel.decimals) : DASH;
  text(field.value, shown);
  attribute(field.value, "data-length", String(Math.min(shown.length, LONGEST)));
  attribute(field.value, "data-crossed", String(drawable && seen.look !== "ok"));
  text(field.word, seen.look === "ok" ? "" : quality(seen.quality));
  text(field.age, ageText);
  const reading =
    seen.look === "ok" ? `${exact(seen.value, channel.decimals)} ${unit(channel.unit)}` : "";
  const meaning = known(`long.${seen.quality}`) ? t(`long.${seen.quality}`) : seen.quality;
  const parts = [place(channel.place), t(`full.${channel.quantity}`), reading, meaning, ageText];
  label(field.root, parts.filter((part) => part !== "").join(", "));
}

function fillNode(chip, node, elapsedMs) {
  const status = nodeStatus(node, elapsedMs);
  const shape = { live: "disc", stale: "diamond", waiting: "ring" }[status];
  const ageText = node.age_ms === null ? "" : age(node.age_ms + elapsedMs);
  chipLook(chip, shape, t(`node.${status}`), ageText);
  const facts = [node.link, node.board, node.firmware, node.boot].filter((fact) => fact !== null);
  attribute(chip.root, "title", [...facts, ...linkHealth(node)].join(", "));
}

/* What is known of the node's link and losses, for who looks closer. */
function linkHealth(node) {
  return NODE_COUNTS.filter((name) => node[name] !== null).map(
    (name) => `${t(`node.${name}`)} ${exact(node[name], name.endsWith("_ms") ? 1 : 0)}`,
  );
}

function store(state, elapsedMs) {
  const { forward, spool } = state;
  const since = forward.waiting_since_ms;
  const waited = since === null ? "" : waiting(since, state, elapsedMs);
  const lost = total(state.losses);
  const refused = strange(state.refused);
  const room = spool.free_days === null ? "" : t("age.d", Math.floor(spool.free_days));
  const items = [
    {
      name: t("forward"),
      shape: { off: "ring", waiting: "diamond" }[forward.state] ?? "disc",
      word: t(`forward.${forward.state}`),
      more: [waited, forward.backlog_bytes > 0 ? size(forward.backlog_bytes) : ""],
      title: forwarded(forward, state.rates),
    },
    {
      name: t("losses"),
      shape: lost > 0 ? "triangle" : "",
      word: count(lost),
      more: [],
      title: counters(state.losses),
    },
    {
      name: t("refused"),
      shape: refused > 0 ? "diamond" : "",
      word: count(refused),
      more: [],
      title: counters(state.refused),
      shown: refused > 0,
    },
    {
      name: t("disk"),
      shape: spool.fault !== null ? "triangle" : spool.warning !== null ? "diamond" : "",
      word: spool.fault === null ? room || size(spool.bytes) : t("disk.fault"),
      more: [],
      title: spool.fault ?? spool.warning ?? size(spool.bytes),
    },
  ].filter((item) => item.shown ?? true);
  const list = at("store");
  while (list.children.length > items.length) list.lastChild.remove();
  while (list.children.length < items.length) {
    list.append(makeChip("li", ["shape", "name", "word", "age"]).root);
  }
  items.forEach((item, index) => {
    const chip = chipOf(list.children[index]);
    text(chip.name, item.name);
    chipLook(chip, item.shape, item.word, item.more.filter((part) => part !== "").join(" "));
    attribute(chip.root, "title", item.title);
  });
}

/* Since what time of day the server has been away; its age where the clock or the day is another. */
function waiting(sinceMs, state, elapsedMs) {
  const ageMs = state.now_ms + elapsedMs - sinceMs;
  if (!state.clock_trusted || ageMs >= DAY_MS) return age(ageMs);
  return t("since", timeOfDay(sinceMs));
}

function forwarded(forward, rates) {
  const at = (name, ms) => (ms === null ? "" : `${t(name)} ${new Date(ms).toLocaleString()}`);
  return [
    forward.error ?? "",
    at("forward.oldest", forward.oldest_unsent_ms),
    at("forward.sent_up_to", forward.sent_up_to_ms),
    rates === null ? "" : `${t("forward.rates")} ${speeds(rates)}`,
  ]
    .filter((part) => part !== "")
    .join("; ");
}

function speeds(rates) {
  const kilobytes = (bytes) => `${exact(bytes / 1000, 1)} ${t("unit.kB/s")}`;
  return `${kilobytes(rates.bytes_per_s)} / ${kilobytes(rates.sent_bytes_per_s)}`;
}

function timeOfDay(ms) {
  const at = new Date(ms);
  return [at.getHours(), at.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}

function clock(state, elapsedMs) {
  const chip = chipOf(at("clock"));
  attribute(chip.root, "aria-label", t("clock"));
  if (!state.clock_trusted) {
    chipLook(chip, "diamond", t("clock.unset"), "");
    return;
  }
  const now = new Date(state.now_ms + elapsedMs);
  const parts = [now.getHours(), now.getMinutes(), now.getSeconds()];
  chipLook(chip, "", parts.map((part) => String(part).padStart(2, "0")).join(":"), "");
}

function tileName(channel) {
  const name = short(channel.quantity);
  if (channel.place === "" || channel.place === "locomotive") return name;
  const numbered = /^bogie ([0-9]+)$/.exec(channel.place);
  return `${name} ${numbered === null ? place(channel.place) : numbered[1]}`;
}

function short(quantity) {
  return t(`short.${quantity}`);
}

function quality(name) {
  return t(`quality.${name}`);
}

function counters(counts) {
  return Object.entries(counts)
    .map(([name, many]) => `${name}: ${many}`)
    .join(", ");
}

function look(field, name) {
  attribute(field.root, "data-look", name);
  attribute(field.shape, "data-shape", SHAPES[name]);
}

function label(root, name) {
  attribute(root, "aria-label", name);
  attribute(root, "title", name);
}

function makeChip(tag, parts) {
  const root = element(tag, "chip");
  root.append(...parts.map((part) => element("span", part)));
  return chipOf(root);
}

function chipOf(root) {
  const chip = { root };
  for (const part of root.children) chip[part.classList[0]] = part;
  return chip;
}

function chipLook(chip, shape, word, ageText) {
  attribute(chip.root, "data-shape", shape);
  attribute(chip.shape, "data-shape", shape);
  text(chip.word, word);
  if (chip.age !== undefined) text(chip.age, ageText);
}

function element(tag, className, attributes = {}) {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function words(content, className) {
  const made = element("span", className);
  text(made, content.trim());
  return made;
}

function positioned(made, row, column) {
  made.style.setProperty("--row", row);
  made.style.setProperty("--column", column);
  return made;
}

function text(made, content) {
  if (made.textContent !== content) made.textContent = content;
}

function attribute(made, name, value) {
  if (made.getAttribute(name) !== value) made.setAttribute(name, value);
}
