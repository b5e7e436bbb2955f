/* The line on a screen: a card a slot, and one input that always has the focus, so that a scanner
 * or a keyboard alone is enough. F2 changes the language.
 */

import { chime } from "./chime.js";
import { at, attribute, element, hide, property, text } from "./dom.js";
import { nextLanguage, t } from "./i18n.js";
import { listen } from "./stream.js";

const SILENT_MS = 3000;
const LOOK_MS = 500;
const SHAPES = { asks: "ring", queued: "diamond", works: "square", pass: "disc", fail: "cross" };

let state = null;
let heardAt = performance.now();
let unsent = false;
const cards = new Map();
const phases = new Map();

function draw() {
  text(at("title"), t("title"));
  document.title = `${t("title")} · axlebox`;
  text(at("language").querySelector(".word"), t("language.name"));
  attribute(at("language"), "aria-label", t("language.change"));
  attribute(at("scan"), "aria-label", t("scan.ask"));
  attribute(at("scan"), "placeholder", t("scan.ask"));
  text(at("lost"), t("lost"));
  text(at("lost-why"), t("lost.why"));
  text(at("today"), t("today"));
  if (state === null) return;
  drawCount(at("passed"), "pass", state.passed);
  drawCount(at("failed"), "fail", state.failed);
  drawNotice();
  drawCards();
  drawHistory();
}

function drawCount(root, phase, number) {
  text(root.querySelector(".number"), String(number));
  text(root.querySelector(".word"), t(`phase.${phase}`));
  attribute(root.querySelector(".shape"), "data-shape", SHAPES[phase]);
}

function drawNotice() {
  const notice = unsent ? { key: "scan.not_sent", good: false, slot: 0, place: "", text: "" } : state.notice;
  const root = at("notice");
  if (notice === null) {
    text(root, "");
    return;
  }
  const parts = [t(notice.key), notice.place, notice.slot > 0 ? t("slot", notice.slot) : ""];
  const told = parts.filter((part) => part !== "").join(" · ");
  text(root, notice.text === "" ? told : `${told} · ${notice.text}`);
  attribute(root, "data-good", String(notice.good));
}

function drawCards() {
  const there = new Set(state.cards.map(({ slot }) => slot));
  for (const [slot, card] of cards) {
    if (!there.has(slot)) {
      card.remove();
      cards.delete(slot);
    }
  }
  for (const card of state.cards) {
    if (!cards.has(card.slot)) cards.set(card.slot, makeCard());
    drawCard(cards.get(card.slot), card);
    const root = cards.get(card.slot);
    if (at("cards").lastElementChild !== root) at("cards").append(root);
  }
  attribute(at("cards"), "data-count", String(Math.min(state.cards.length, 12)));
  attribute(at("cards"), "data-empty", state.cards.length === 0 ? t("empty") : "");
}

function makeCard() {
  const root = element("article", "card");
  const head = element("p", "head");
  head.append(...["number", "place", "name"].map((part) => element("span", part)));
  const verdict = element("p", "verdict");
  verdict.append(element("span", "shape"), element("b", "word"));
  const bar = element("p", "bar");
  bar.append(element("span", "done"));
  root.append(head, verdict, element("p", "do"), bar, element("p", "more"));
  return root;
}

function drawCard(root, card) {
  const part = (name) => root.querySelector(`.${name}`);
  attribute(root, "data-phase", card.phase);
  attribute(root, "data-next", String(card.next));
  text(part("number"), String(card.number));
  text(part("place"), card.place);
  text(part("name"), card.name);
  attribute(part("shape"), "data-shape", SHAPES[card.phase]);
  text(part("word"), t(`phase.${card.phase}`));
  text(part("do"), whatToDo(card));
  hide(part("bar"), card.phase !== "works");
  property(part("done"), "width", `${Math.round(card.share * 100)}%`);
  text(part("more"), card.phase === "fail" ? sentence(card) : "");
}

function sentence({ text: wrong, what_to_do: english }) {
  return [wrong, english].filter((part) => part !== "").join(". ");
}

function whatToDo({ phase, step, next, absent, code }) {
  if (absent && phase === "works") return t("absent");
  if (phase === "works") return step === "" ? "" : t(`step.${step}`);
  if (phase === "asks") return next ? t("next") : "";
  if (phase === "pass") return t("pass.do");
  if (phase === "fail") return t(`error.${code}`);
  return "";
}

function drawHistory() {
  const rows = state.history.map(({ at: time, place, passed }) => {
    const row = element("li", "", { "data-phase": passed ? "pass" : "fail" });
    const shape = element("span", "shape", { "data-shape": SHAPES[passed ? "pass" : "fail"] });
    const parts = [time, place].map((part, index) => {
      const made = element("span", index === 0 ? "at" : "place");
      text(made, part);
      return made;
    });
    const word = element("span", "word");
    text(word, t(`phase.${passed ? "pass" : "fail"}`));
    row.append(parts[0], shape, word, parts[1]);
    return row;
  });
  at("history").replaceChildren(...rows);
  attribute(at("history"), "data-empty", rows.length === 0 ? t("today.none") : "");
}

/* A sound, and a word for who listens to the screen, at each PASS and FAIL. */
function announce() {
  for (const card of state.cards) {
    const before = phases.get(card.slot);
    phases.set(card.slot, card.phase);
    if (before === undefined || before === card.phase) continue;
    if (card.phase !== "pass" && card.phase !== "fail") continue;
    chime(card.phase);
    text(at("spoken"), `${t("slot", card.number)}: ${t(`phase.${card.phase}`)}. ${whatToDo(card)}`);
  }
  const there = new Set(state.cards.map(({ slot }) => slot));
  for (const slot of phases.keys()) if (!there.has(slot)) phases.delete(slot);
}

/* Scans are sent one after another, in the order in which they were made. */
let sending = Promise.resolve();

function send(scanned) {
  sending = sending.then(async () => {
    try {
      const response = await fetch("/api/scan", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text: scanned }),
      });
      unsent = !response.ok;
    } catch {
      unsent = true;
    }
    draw();
  });
}

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  send(at("scan").value);
  at("scan").value = "";
});

addEventListener("keydown", (event) => {
  if (event.key === "F2") {
    event.preventDefault();
    change();
  } else if (event.key === "Tab") {
    event.preventDefault();
  }
  at("scan").focus();
});
addEventListener("pointerup", () => at("scan").focus());
at("scan").addEventListener("blur", () => setTimeout(() => at("scan").focus(), 0));
at("language").addEventListener("click", change);

function change() {
  nextLanguage();
  draw();
}

const stream = listen({
  heard() {
    heardAt = performance.now();
  },
  picture(fresh) {
    state = fresh;
    announce();
    draw();
    hide(at("cover"), true);
  },
  down() {
    hide(at("cover"), false);
  },
});

setInterval(() => {
  if (performance.now() - heardAt < SILENT_MS) return;
  hide(at("cover"), false);
  heardAt = performance.now();
  stream.renew();
}, LOOK_MS);

draw();
at("scan").focus();
