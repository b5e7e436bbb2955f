/* The sound of alarms: at once when one comes, and again by its priority while nobody has
 * acknowledged or silenced it. Made of tones by the browser itself, so that it needs no file.
 *
 * follow(alarms, silenced, nowMs) is called with each picture and tick; hush() keeps this page
 * quiet until a new alarm comes. isOn() and isBlocked(): whether there is something to hear, and
 * whether the browser wants to be touched before it lets anything be heard.
 */

const TONES = {
  high: { hertz: [880, 660, 880, 660], each_s: 0.14, repeat_ms: 5000 },
  medium: { hertz: [660, 660], each_s: 0.2, repeat_ms: 15_000 },
  low: { hertz: [440], each_s: 0.25, repeat_ms: Infinity },
};
const ORDER = ["high", "medium", "low"];
const VOLUME = 0.5;

let context = null;
let known = new Set();
let hushed = new Set();
let loudest = null;
let playedAt = -Infinity;
let owed = false;

export function follow(alarms, silenced, nowMs) {
  const asking = alarms.filter((alarm) => alarm.state === "unacknowledged");
  const present = new Set(asking.map(({ id }) => id));
  hushed = new Set([...hushed].filter((id) => present.has(id)));
  const heard = silenced ? [] : asking.filter(({ id }) => !hushed.has(id));
  const fresh = heard.some(({ id }) => !known.has(id));
  known = present;
  loudest = ORDER.find((priority) => heard.some((alarm) => alarm.priority === priority)) ?? null;
  if (loudest === null) return;
  if (fresh || owed || nowMs - playedAt >= TONES[loudest].repeat_ms) {
    playedAt = nowMs;
    owed = !play(TONES[loudest]);
  }
}

export function hush() {
  hushed = new Set(known);
  loudest = null;
}

export function isOn() {
  return loudest !== null;
}

export function isBlocked() {
  return context !== null && context.state !== "running";
}

/* Browsers let nothing be heard before the first touch, unless a kiosk is told to. */
export function unblock() {
  if (context !== null && context.state === "suspended") context.resume();
}

/* Whether it could be heard. What may not be heard is asked for once: each asking would be kept. */
function play({ hertz, each_s: eachS }) {
  context ??= new AudioContext();
  if (!owed) unblock();
  if (context.state !== "running") return false;
  hertz.forEach((frequency, index) => {
    const tone = context.createOscillator();
    const volume = context.createGain();
    const begin = context.currentTime + index * eachS * 1.5;
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(VOLUME, begin);
    volume.gain.setTargetAtTime(0, begin + eachS, 0.01);
    tone.connect(volume).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + eachS * 1.5);
  });
  return true;
}

addEventListener("pointerdown", unblock);
addEventListener("keydown", unblock);
