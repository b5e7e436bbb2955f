/* The first screen: tiles of speed and pressures, the locomotive with its axles' values below it,
 * and a line on nodes and store. draw(state, elapsedMs) makes elements only when the set of
 * channels, the language or the layout changes; blank() takes every value off.
 */

import { age, count, size, t, unit } from "./i18n.js";
import { at, attribute, chipLook, chipOf, element, label, makeChip, property, text, words } from "./dom.js";
import { blankField, fillField, makeField } from "./field.js";
import { drawLocomotive } from "./locomotive.js";
import {
  appearance,
  arrange,
  marks,
  nodeStatus,
  percent,
  speedOf,
  strange,
  total,
  updated,
} from "./model.js";

const PARTS = ["shape", "value", "word", "age", "fresh"];
const WIDE_AXLES = 6;
const WIDE_TILES = 5;
const SPEED = "speed";

const fields = [];
const rowAges = [];
let built = "";
let speed = null;
let drawing = null;

export function draw(state, elapsedMs) {
  const wanted = JSON.stringify([
    document.documentElement.lang,
    state.locomotive.layout,
    state.channels.map(({ id, quantity, place: where, unit: of }) => [id, quantity, where, of]),
  ]);
  if (wanted !== built) {
    build(state);
    built = wanted;
  }
  const marked = marks(state);
  const byId = new Map(state.channels.map((channel) => [channel.id, channel]));
  const now = speedOf(state, elapsedMs);
  const estimated = state.locomotive.layout?.speed_verified === false;
  const tiny = at("tiles").dataset.dense === "true";
  fillField(speed, now, elapsedMs, { tiny, tight: true, name: t(estimated ? "speed.estimated" : "speed.full") });
  attribute(speed.value, "data-estimated", String(estimated && now !== null));
  for (const { field, id, options } of fields) {
    fillField(field, byId.get(id) ?? null, elapsedMs, { ...options, mark: marked.get(id) });
  }
  for (const { made, ids } of rowAges) text(made, oldest(ids, byId, elapsedMs));
  for (const part of drawing?.querySelectorAll("[data-part]") ?? []) {
    attribute(part, "data-alarm", marked.get(part.dataset.part) ?? "");
  }
  status(state, elapsedMs);
}

export function blank() {
  for (const { field } of fields) blankField(field);
  if (speed !== null) blankField(speed);
  for (const { made } of rowAges) text(made, "");
  for (const part of drawing?.querySelectorAll("[data-part]") ?? []) {
    attribute(part, "data-alarm", "");
  }
  at("status").replaceChildren();
}

export function retext() {
  attribute(at("matrix"), "aria-label", t("values"));
  attribute(at("tiles"), "aria-label", t("speed.air"));
  attribute(at("status"), "aria-label", t("store"));
}

function build(state) {
  fields.length = 0;
  rowAges.length = 0;
  const { layout, rows, tiles } = arrange(state);
  const dense = tiles.length + 1 > WIDE_TILES;
  attribute(at("tiles"), "data-dense", String(dense));
  property(at("tiles"), "--tiles", String(tiles.length));
  at("tiles").replaceChildren(speedTile(), ...tiles.map((tile) => buildTile(tile, dense)));
  buildMatrix(layout, rows);
}

function speedTile() {
  const tile = element("div", "tile", { role: "group", "data-channel": SPEED });
  tile.append(named(t("unit.km/h"), ""));
  speed = makeField(tile, PARTS);
  return tile;
}

function buildTile({ quantity, place, unit: of, channel }, tiny) {
  const tile = element("a", "tile", { href: "#detail/air" });
  const number = /^bogie ([0-9]+)$/.exec(place)?.[1] ?? "";
  tile.append(named(`${t(`brief.${quantity}`)} ${number}`, unit(of)));
  const field = makeField(tile, PARTS);
  if (channel !== null) attribute(tile, "data-channel", channel.id);
  const options = { tiny, tight: true, ...(channel === null ? { name: t(`full.${quantity}`) } : {}) };
  fields.push({ field, id: channel?.id, options });
  return tile;
}

function named(name, of) {
  const made = element("span", "name");
  made.append(words(name, "what"), words(of, "unit"));
  return made;
}

function buildMatrix(layout, rows) {
  const matrix = at("matrix");
  const { axles } = layout;
  property(matrix, "--columns", String(axles));
  property(matrix, "--rows", String(rows.length));
  const tiny = axles > WIDE_AXLES;
  attribute(matrix, "data-dense", String(tiny));
  drawing = axles > 0 ? drawLocomotive(layout) : null;
  const head = element("div", "row", { role: "row" });
  head.append(positioned(element("span", "corner", { role: "columnheader" }), 1, 1));
  for (let axle = 1; axle <= axles; axle += 1) {
    const header = element("span", "wheel", { role: "columnheader" });
    const link = element("a", "axle", { href: `#detail/${axle}` });
    attribute(link, "aria-label", t("place.axle", axle));
    link.append(words(String(axle), "number"));
    header.append(link);
    head.append(positioned(header, 1, axle + 1));
  }
  matrix.replaceChildren(...(axles > 0 ? [drawing, head] : []));
  rows.forEach((row, index) => matrix.append(buildRow(row, index + 2, tiny)));
}

function buildRow(row, line, tiny) {
  const made = element("div", "row", { role: "row" });
  const name = element("div", "label", { role: "rowheader" });
  attribute(name, "title", t(`full.${row.quantity}`));
  const side = row.side === "" ? "" : t(`brief.${row.side}`);
  name.append(words(`${t(`short.${row.quantity}`)} ${side}`, "name"), words(unit(row.unit), "unit"));
  const oldestAge = words("", "age");
  name.append(oldestAge);
  made.append(positioned(name, line, 1));
  rowAges.push({ made: oldestAge, ids: row.cells.map((channel) => channel?.id) });
  row.cells.forEach((channel, column) => {
    const cell = element("div", "cell", { role: "cell" });
    if (channel !== null) {
      attribute(cell, "data-channel", channel.id);
      fields.push({ field: makeField(cell, PARTS), id: channel.id, options: { tiny, tight: true } });
    }
    made.append(positioned(cell, line, column + 2));
  });
  return made;
}

/* The age of the oldest value of a row that is shown as one. */
function oldest(ids, byId, elapsedMs) {
  const ages = ids
    .filter((id) => byId.has(id))
    .map((id) => appearance(byId.get(id), elapsedMs))
    .filter(({ look }) => look === "ok")
    .map(({ ageMs }) => ageMs);
  return ages.length === 0 ? "" : age(Math.max(...ages));
}

/* One line: nodes that are not heard or take new firmware, what was lost, refused, and the disk. */
function status(state, elapsedMs) {
  const lost = total(state.losses);
  const refused = strange(state.refused);
  const { spool } = state;
  const room = spool.free_days === null ? size(spool.bytes) : t("age.d", Math.floor(spool.free_days));
  const disk = {
    name: t("disk"),
    shape: spool.fault !== null ? "cross" : spool.warning !== null ? "diamond" : "",
    word: spool.fault === null ? room : t("disk.fault"),
    title: spool.fault ?? spool.warning ?? size(spool.bytes),
  };
  const items = [
    nodesItem(state, elapsedMs),
    counted("losses", lost, state.losses),
    ...(refused > 0 ? [counted("refused", refused, state.refused)] : []),
    ...(refused === 0 || disk.shape !== "" ? [disk] : []),
  ];
  const list = at("status");
  while (list.children.length > items.length) list.lastChild.remove();
  while (list.children.length < items.length) list.append(makeChip("li", ["shape", "name", "word"]).root);
  items.forEach((item, index) => {
    const chip = chipOf(list.children[index]);
    text(chip.name, item.name);
    chipLook(chip, item.shape, item.word);
    label(chip.root, `${item.name} ${item.word} ${item.title}`);
  });
}

/* Who is silent and takes no new firmware comes first, for nothing explains it. */
function nodesItem(state, elapsedMs) {
  const { nodes } = state;
  const update = updated(state);
  const takes = ({ name }) => name === update?.node;
  const silent = nodes.filter((node) => nodeStatus(node, elapsedMs) !== "live");
  const [first, ...others] = [...silent.filter((node) => !takes(node)), ...silent.filter(takes)];
  const told = first === undefined ? "" : quiet(first, elapsedMs);
  const title = others.map(({ name }) => name).join(", ");
  if (update !== null && (first === undefined || takes(first))) {
    const far = update.step === "sending" ? t("percent", percent(update)) : "";
    const shape = first === undefined ? "disc" : shapeOf(first);
    return { name: update.node, shape, word: `${t("update.short")} ${told || far}`.trim(), title };
  }
  if (first === undefined) {
    return { name: t("nodes"), shape: "disc", word: `${nodes.length}/${nodes.length}`, title };
  }
  const word = others.length > 0 ? `${told} +${others.length}` : told;
  return { name: first.name, shape: shapeOf(first), word, title };
}

function quiet(node, elapsedMs) {
  return node.age_ms === null ? t("node.waiting") : age(node.age_ms + elapsedMs);
}

function shapeOf({ status }) {
  return status === "waiting" ? "ring" : "diamond";
}

function counted(key, many, by) {
  return { name: t(key), shape: many > 0 ? "diamond" : "", word: count(many), title: counters(by) };
}

function counters(counts) {
  return Object.entries(counts)
    .map(([name, many]) => `${name}: ${many}`)
    .join(", ");
}

function positioned(made, row, column) {
  property(made, "--row", String(row));
  property(made, "--column", String(column));
  return made;
}
