/* What is around every screen: the bar with name, server, link and clock, and the cover.
 *
 * draw(state, elapsedMs) and blank() as on the screens. link(condition, silenceMs) shows a "good",
 * "poor" or missing ("none") connection. cover(kind, silenceMs) covers the screen with a banner of
 * kind "connecting", "lost" or "full", or uncovers it (null).
 */

import { age, exact, size, t } from "./i18n.js";
import { at, attribute, chipLook, chipOf, label, text } from "./dom.js";

const DASH = "\u2013";
const DAY_MS = 86_400_000;
const FORWARD_SHAPES = { off: "ring", waiting: "diamond", idle: "disc", sending: "disc" };

export function draw(state, elapsedMs) {
  text(at("locomotive"), state.locomotive.id);
  attribute(at("locomotive"), "title", state.locomotive.title);
  clock(state, elapsedMs);
  server(state, elapsedMs);
}

export function blank() {
  chipLook(chipOf(at("clock")), "", `${DASH}${DASH}:${DASH}${DASH}`);
  attribute(at("clock"), "aria-label", t("clock"));
  chipLook(chipOf(at("server")), "", "");
  text(chipOf(at("server")).name, "");
  label(at("server"), "");
}

export function link(condition, silenceMs) {
  const shape = { good: "disc", poor: "diamond", none: "cross" }[condition];
  chipLook(chipOf(at("link")), shape, t("link"), condition === "poor" ? age(silenceMs) : "");
}

export function cover(kind, silenceMs) {
  const covered = kind !== null;
  if (at("cover").hidden === covered) at("cover").hidden = !covered;
  attribute(at("shell"), "data-covered", String(covered));
  for (const id of ["screens", "strip"]) at(id).inert = covered;
  if (!covered) return;
  attribute(at("cover"), "data-kind", kind);
  text(at("banner-title"), t(`banner.${kind}`));
  text(at("banner-why"), t(`banner.${kind}.why`));
  text(at("banner-note"), kind === "connecting" ? t("advises") : "");
  text(at("banner-age"), Number.isFinite(silenceMs) ? age(silenceMs) : "");
}

function server({ forward, rates, ...state }, elapsedMs) {
  const chip = chipOf(at("server"));
  const since = forward.waiting_since_ms;
  const waited = since === null ? "" : waiting(since, state, elapsedMs);
  const backlog = forward.backlog_bytes > 0 ? size(forward.backlog_bytes) : "";
  const condition = t(`forward.${forward.state}`);
  text(chip.name, t("forward"));
  chipLook(chip, FORWARD_SHAPES[forward.state], backlog || condition);
  const told = [t("forward"), condition, waited, backlog, forwarded(forward, rates)];
  label(chip.root, told.filter((part) => part !== "").join(", "));
}

/* Since what time of day the server has been away; its age where the clock or the day is another. */
function waiting(sinceMs, state, elapsedMs) {
  const ageMs = state.now_ms + elapsedMs - sinceMs;
  if (!state.clock_trusted || ageMs >= DAY_MS) return age(ageMs);
  return t("since", timeOfDay(sinceMs).slice(0, 5));
}

function forwarded(forward, rates) {
  const told = (name, ms) => (ms === null ? "" : `${t(name)} ${moment(ms)}`);
  return [
    forward.error ?? "",
    told("forward.oldest", forward.oldest_unsent_ms),
    told("forward.sent_up_to", forward.sent_up_to_ms),
    rates === null ? "" : `${t("forward.rates")} ${speeds(rates)}`,
  ]
    .filter((part) => part !== "")
    .join("; ");
}

/* A date and a time of day, the same in each language and browser; null where there is none. */
export function moment(ms) {
  if (ms === null) return null;
  const day = new Date(ms);
  const parts = [day.getFullYear(), day.getMonth() + 1, day.getDate()];
  return `${parts.map(twoDigits).join("-")} ${timeOfDay(ms)}`;
}

export function speeds(rates) {
  const kilobytes = (bytes) => `${exact(bytes / 1000, 1)} ${t("unit.kB/s")}`;
  return `${kilobytes(rates.bytes_per_s)} / ${kilobytes(rates.sent_bytes_per_s)}`;
}

function clock(state, elapsedMs) {
  const chip = chipOf(at("clock"));
  if (state.clock_trusted) chipLook(chip, "", timeOfDay(state.now_ms + elapsedMs));
  else chipLook(chip, "diamond", t("clock.unset"));
  attribute(chip.root, "aria-label", `${t("clock")}: ${chip.word.textContent}`);
}

function timeOfDay(ms) {
  const now = new Date(ms);
  return [now.getHours(), now.getMinutes(), now.getSeconds()].map(twoDigits).join(":");
}

function twoDigits(part) {
  return String(part).padStart(2, "0");
}
