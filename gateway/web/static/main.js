/* Joins the stream to the screens, and judges by the page's own clock what may still be shown.
 *
 * Ages count on between pictures; the page is drawn anew each TICK_MS and at the very moment a
 * value turns stale. When nothing was heard for LOST_MS the values are taken off the page and a
 * banner covers it until the next picture. A page that becomes visible again starts
 * from nothing, because its clock may have stood still while the machine slept.
 */

import { nextLanguage, t } from "./i18n.js";
import { light, nextLight } from "./light.js";
import { at, attribute, hide } from "./dom.js";
import { listen } from "./stream.js";
import { quiet } from "./actions.js";
import * as alarms from "./alarms.js";
import * as detail from "./detail.js";
import * as overview from "./overview.js";
import * as rail from "./rail.js";
import * as service from "./service.js";
import * as shell from "./shell.js";
import * as sound from "./sound.js";
import * as strip from "./strip.js";
import { staleIn } from "./model.js";

const LOST_MS = 3000;
const POOR_MS = 1500;
const TICK_MS = 250;
const SCREENS = { overview, alarms, detail, service };
const SIGNS = { night: "\u263e", red: "\u25cf", day: "\u2600" };

const started = performance.now();
let heardAt = null;
let state = null;
let stateAt = 0;
let down = null;
let renewedAt = started;
let screen = "overview";
let next = 0;
let held = document.body;

const stream = listen({
  heard() {
    heardAt = performance.now();
    down = null;
  },
  picture(taken) {
    state = taken;
    stateAt = performance.now();
    if (!taken.alarms.every(strip.knows)) learn();
    show();
  },
  down(reason) {
    down = reason;
    show();
  },
});

function show() {
  const now = performance.now();
  clearTimeout(next);
  next = setTimeout(show, nextIn(now));
  const silenceMs = now - (heardAt ?? started);
  const lost = silenceMs >= LOST_MS;
  if (lost && state !== null) {
    state = null;
    blank();
  }
  if (lost && now - renewedAt >= LOST_MS) {
    renewedAt = now;
    stream.renew();
  }
  drawOrBlank(now);
  shell.link(linkCondition(silenceMs), silenceMs);
  shell.cover(coverKind(lost), heardAt === null ? NaN : silenceMs);
  keys();
  hold();
}

/* Who works by keyboard goes on at the screen's beginning when what had the focus is gone. */
function hold() {
  if (!held.isConnected || !held.checkVisibility()) at(screen).focus({ preventScroll: true });
}

function nextIn(now) {
  const dues = [TICK_MS];
  if (heardAt !== null && now < heardAt + LOST_MS) dues.push(heardAt + LOST_MS - now);
  if (state !== null) dues.push(staleIn(state, now - stateAt));
  return Math.min(...dues);
}

/* A state that cannot be drawn leaves no half-drawn values behind. */
function drawOrBlank(now) {
  if (state === null) return;
  try {
    const elapsedMs = now - stateAt;
    shell.draw(state, elapsedMs);
    strip.draw(state, elapsedMs);
    SCREENS[screen].draw(state, elapsedMs);
    sound.follow(state.alarms, state.silenced, now);
  } catch (error) {
    console.error(error);
    state = null;
    blank();
  }
}

function blank() {
  shell.blank();
  strip.blank();
  for (const one of Object.values(SCREENS)) one.blank();
}

function linkCondition(silenceMs) {
  if (state === null) return "none";
  return down !== null || silenceMs >= POOR_MS ? "poor" : "good";
}

function coverKind(lost) {
  if (state !== null) return null;
  if (down === "full") return "full";
  return lost ? "lost" : "connecting";
}

function keys() {
  const last = sound.isOn() ? [silenceKey()] : [];
  const back = { sign: "\u21a9", word: t("key.back"), press: () => go("") };
  const turns = [
    { sign: "\u25c0", word: "", name: t("key.previous"), press: () => turn(-1) },
    { sign: "\u25b6", word: "", name: t("key.next"), press: () => turn(1) },
  ];
  const shown = {
    overview: [languageKey(), lightKey(), detailsKey(), silenceKey()],
    alarms: [back, languageKey(), lightKey(), silenceKey()],
    detail: [back, ...turns, ...last, spanKey()],
    service: [back, ...turns, ...last, languageKey()],
  }[screen];
  rail.show(shown.slice(0, 4));
}

function detailsKey() {
  return { sign: "\u2637", word: t("key.details"), press: () => go("#detail/1") };
}

function spanKey() {
  const press = () => {
    detail.nextSpan();
    show();
  };
  return { sign: detail.spanText(), word: "", name: t("trend.span", detail.spanText()), press };
}

/* Screens of details, one after the other, with the fitter's at their end. */
function turn(by) {
  if (screen === "service") detail.show("service");
  const name = detail.step(by);
  go(name === "service" ? "#service" : `#detail/${name}`);
}

/* Not by location.hash: the browser would give the focus to an element of that name. */
function go(hash) {
  history.pushState(null, "", hash === "" ? location.pathname : hash);
  route();
}

/* Which screen the address names; the first one where it names none. */
function route() {
  const [name, which] = location.hash.slice(1).split("/");
  screen = Object.hasOwn(SCREENS, name) ? name : "overview";
  if (screen === "detail") detail.show(which ?? "1");
  attribute(at("shell"), "data-screen", screen);
  for (const one of Object.keys(SCREENS)) hide(at(one), one !== screen);
  show();
}

function languageKey() {
  const name = `${t("language.name")}, ${t("language.change")}`;
  return { sign: t("language.short"), word: "", name, press: changeLanguage };
}

function lightKey() {
  const word = t(`light.${light()}`);
  return { sign: SIGNS[light()], word, name: `${word}, ${t("light.change")}`, press: changeLight };
}

function silenceKey() {
  if (!sound.isOn()) return { sign: "", word: t("sound.quiet") };
  const word = t(sound.isBlocked() ? "sound.blocked" : "sound.silence");
  return { sign: "\u266a", word, press: silence, lit: true };
}

/* This page is quiet at once; the gateway and other pages where this one may act. */
function silence() {
  sound.hush();
  quiet("silence", {});
  show();
}

function changeLight() {
  nextLight();
  show();
}

function changeLanguage() {
  nextLanguage();
  retext();
  show();
}

function retext() {
  strip.retext();
  for (const one of Object.values(SCREENS)) one.retext();
}

function forget() {
  state = null;
  blank();
  stream.renew();
  show();
}

/* The words of rules; asked for again when an alarm comes of a rule that is not known. */
async function learn() {
  try {
    const response = await fetch("/api/rules", { cache: "no-store" });
    if (response.ok) strip.learn(await response.json());
    show();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") forget();
});
addEventListener("focusin", ({ target }) => {
  held = target;
});
addEventListener("hashchange", route);
addEventListener("popstate", route);
learn();
retext();
route();
