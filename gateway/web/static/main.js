/* Joins the stream to the view, and judges by the page's own clock what may still be shown.
 *
 * Ages count on between pictures. When nothing was heard for LOST_MS the values are taken off the
 * page and a banner covers it until the next picture. A page that becomes visible again starts
 * from nothing, because its clock may have stood still while the machine slept.
 */

import { nextLanguage } from "./i18n.js";
import { listen } from "./stream.js";
import { blank, cover, draw, link, retext } from "./view.js";

const LOST_MS = 3000;
const POOR_MS = 1500;
const TICK_MS = 250;

const started = performance.now();
let heardAt = null;
let state = null;
let stateAt = 0;
let down = null;
let renewedAt = started;

const stream = listen({
  heard() {
    heardAt = performance.now();
    down = null;
  },
  picture(next) {
    state = next;
    stateAt = performance.now();
    show();
  },
  down(reason) {
    down = reason;
    show();
  },
});

function show() {
  const now = performance.now();
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
  link(linkCondition(silenceMs), silenceMs);
  cover(coverKind(lost), heardAt === null ? NaN : silenceMs);
}

/* A state that cannot be drawn leaves no half-drawn values behind. */
function drawOrBlank(now) {
  if (state === null) return;
  try {
    draw(state, now - stateAt);
  } catch (error) {
    console.error(error);
    state = null;
    blank();
  }
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

function forget() {
  state = null;
  blank();
  stream.renew();
  show();
}

document.getElementById("language").addEventListener("click", () => {
  nextLanguage();
  retext();
  show();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") forget();
});
retext();
show();
setInterval(show, TICK_MS);
