/* The screen for who fits and mends: each node with its link and losses, the store, the server. */

import { age, exact, known, size, t } from "./i18n.js";
import { at, attribute, element, text, words } from "./dom.js";
import { nodeStatus, percent, updateOf } from "./model.js";
import { moment, speeds } from "./shell.js";

const SHAPES = { live: "disc", stale: "diamond", waiting: "ring" };
const NODE_WORDS = ["link", "board", "firmware", "boot", "reset_cause"];
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
  "clock_drift_ppm",
];

const cards = new Map();
let list = null;

export function draw(state, elapsedMs) {
  if (list === null) {
    list = element("ul", "cards");
    at("service").append(list);
  }
  attribute(at("service"), "aria-label", t("service"));
  const wanted = [gateway(state), ...state.nodes.map((node) => nodeCard(node, state, elapsedMs))];
  const present = new Set(wanted.map(({ id }) => id));
  for (const [id, card] of cards) {
    if (present.has(id)) continue;
    card.root.remove();
    cards.delete(id);
  }
  wanted.forEach((one, index) => {
    if (!cards.has(one.id)) cards.set(one.id, makeCard());
    const card = cards.get(one.id);
    if (list.children[index] !== card.root) list.insertBefore(card.root, list.children[index] ?? null);
    fill(card, one);
  });
}

export function blank() {
  cards.clear();
  list?.replaceChildren();
}

export function retext() {}

function makeCard() {
  const root = element("li", "card");
  const head = element("h2", "head");
  const card = { root, shape: element("span", "shape", { "aria-hidden": "true" }), facts: element("dl", "facts") };
  for (const part of ["name", "word"]) card[part] = words("", part);
  head.append(card.shape, card.name, card.word);
  root.append(head, card.facts);
  return card;
}

function fill(card, { name, shape, word, facts }) {
  attribute(card.root, "data-shape", shape);
  attribute(card.shape, "data-shape", shape);
  text(card.name, name);
  text(card.word, word);
  const shown = facts.filter(([, value]) => value !== null && value !== "");
  while (card.facts.children.length > shown.length) card.facts.lastChild.remove();
  while (card.facts.children.length < shown.length) {
    const fact = element("div", "fact");
    fact.append(element("dt", "what"), element("dd", "value"));
    card.facts.append(fact);
  }
  shown.forEach(([what, value], index) => {
    const [term, definition] = card.facts.children[index].children;
    text(term, what);
    text(definition, String(value));
  });
}

function nodeCard(node, state, elapsedMs) {
  const status = nodeStatus(node, elapsedMs);
  const told = node.age_ms === null ? "" : age(node.age_ms + elapsedMs);
  return {
    id: `node ${node.name}`,
    name: node.name,
    shape: SHAPES[status],
    word: `${t(`node.${status}`)} ${told}`.trim(),
    facts: [
      [t("update"), updateWords(state, node.name)],
      ...NODE_WORDS.map((name) => [t(`node.${name}`), node[name]]),
      ...NODE_COUNTS.map((name) => [
        t(`node.${name}`),
        node[name] === null ? null : exact(node[name], /_(?:ms|ppm)$/.test(name) ? 1 : 0),
      ]),
    ],
  };
}

/* "0.2.0: went back, it crashed"; null where no update was begun. */
function updateWords(state, name) {
  const progress = updateOf(state, name);
  if (progress === null) return null;
  const { step, cause, reason } = progress;
  const why = known(`why.${cause}`) ? t(`why.${cause}`) : reason;
  const told = [t(`update.${step}`, percent(progress)), why].filter((part) => part !== "");
  return `${state.update.firmware}: ${told.join(", ")}`;
}

function gateway(state) {
  const { spool, forward, rates } = state;
  const wrong = spool.fault ?? spool.warning ?? forward.error;
  return {
    id: "gateway",
    name: t("service.gateway"),
    shape: spool.fault !== null ? "cross" : wrong !== null ? "diamond" : "disc",
    word: state.version,
    facts: [
      [t("service.fault"), wrong],
      [t("disk"), size(spool.bytes)],
      [t("service.room"), spool.free_days === null ? null : t("age.d", Math.floor(spool.free_days))],
      [t("forward"), t(`forward.${forward.state}`)],
      [t("forward.oldest"), moment(forward.oldest_unsent_ms)],
      [t("forward.sent_up_to"), moment(forward.sent_up_to_ms)],
      [t("service.backlog"), size(forward.backlog_bytes)],
      [t("forward.rates"), rates === null ? null : speeds(rates)],
      [t("service.rate"), rates === null ? null : exact(rates.samples_per_s, 0)],
      [t("clock"), state.clock_trusted ? t("service.set") : t("clock.unset")],
      ...counted(t("losses"), state.losses),
      ...counted(t("refused"), state.refused),
    ],
  };
}

function counted(what, counts) {
  return Object.entries(counts)
    .filter(([, many]) => many > 0)
    .map(([name, many]) => [`${what}: ${name}`, many]);
}
