/* What is to be seen, worked out from the state alone; nothing here touches the document.
 *
 * arrange(state) is what the overview shows:
 *   { layout, rows: [{ quantity, side, unit, cells: [channel or null, one an axle] }], tiles }
 * with the rows that matter most, at most ROWS_MOST; a tile is { quantity, place, unit, channel }.
 * units(state) are the screens of details: [{ name, channels }], one an axle, then the rest.
 *
 * appearance(channel, elapsedMs) judges one channel `elapsedMs` after the state was taken:
 *   { look: "ok" | "stale" | "waiting" | "fault" | "none", quality, ageMs, value, left }
 * `value` is null unless a number may be drawn; with look "fault" it may only be drawn crossed out.
 * `left`: what is left of the time until the value is stale, from 1 to 0.
 * staleIn(state, elapsedMs) is in how many ms the next value, or the picture itself, turns stale.
 */

const NUMBERED = /^(?:motor|axle) ([1-9]|1[0-6])(?: (.+))?$/;
const PICTURE_OLD_MS = 3000;
const ROWS_MOST = 4;
const ROWS = [
  "motor.winding_temperature",
  "axle.bearing_temperature",
  "axle.load",
  "motor.current",
];
const TILES = ["brake.pipe_pressure", "brake.cylinder_pressure", "brake.main_reservoir_pressure"];
const AIR = /^(?:brake|air|compressor)\./;

export function arrange(state) {
  const layout = layoutOf(state);
  const rows = new Map();
  for (const channel of state.channels) {
    const match = NUMBERED.exec(channel.place);
    if (match === null || !ROWS.includes(channel.quantity)) continue;
    const side = match[2] ?? "";
    const key = `${channel.quantity} ${side}`;
    if (!rows.has(key)) {
      const cells = Array.from({ length: layout.axles }, () => null);
      rows.set(key, { quantity: channel.quantity, side, unit: channel.unit, cells });
    }
    const { cells } = rows.get(key);
    const index = Number(match[1]) - 1;
    if (index < cells.length) cells[index] ??= channel;
  }
  const ranked = [...rows.values()].sort(
    (a, b) => ROWS.indexOf(a.quantity) - ROWS.indexOf(b.quantity) || compare(a.side, b.side),
  );
  return { layout, rows: ranked.slice(0, ROWS_MOST), tiles: TILES.flatMap(tilesOf(state)) };
}

function tilesOf(state) {
  return (quantity) => {
    const found = state.channels.filter((channel) => channel.quantity === quantity);
    if (found.length === 0) return [{ quantity, place: "", unit: "kPa", channel: null }];
    return found
      .sort((a, b) => compare(a.place, b.place))
      .map((channel) => ({ quantity, place: channel.place, unit: channel.unit, channel }));
  };
}

export function units(state) {
  const numbered = Array.from({ length: layoutOf(state).axles }, () => []);
  const air = [];
  const rest = [];
  for (const channel of state.channels) {
    const index = Number(NUMBERED.exec(channel.place)?.[1] ?? 0) - 1;
    if (index >= 0 && index < numbered.length) numbered[index].push(channel);
    else (AIR.test(channel.quantity) ? air : rest).push(channel);
  }
  return [
    ...numbered.map((channels, index) => ({ name: String(index + 1), channels })),
    { name: "air", channels: air },
    { name: "rest", channels: rest },
  ];
}

/* The profile's, else as many axles as channels speak of. */
function layoutOf({ locomotive, channels }) {
  if (locomotive.layout !== null) return locomotive.layout;
  const numbers = channels.map((channel) => Number(NUMBERED.exec(channel.place)?.[1] ?? 0));
  const axles = Math.max(0, ...numbers);
  return { sections: 1, bogies: Math.min(1, axles), axles, motors: axles };
}

/* The speed as if it were a channel: the median of the axles that are good, else of the motors.
 * Null where the class has no sensor for it. */
export function speedOf(state, elapsedMs) {
  const { layout } = state.locomotive;
  if (layout === null) return null;
  for (const [quantity, ratio] of [
    ["axle.speed", 1],
    ["motor.speed", layout.gear_ratio],
  ]) {
    const channels = state.channels.filter((channel) => channel.quantity === quantity);
    if (channels.length === 0) continue;
    const good = channels.filter((channel) => appearance(channel, elapsedMs).look === "ok");
    if (good.length === 0) return { ...channels[0], value: null, unit: "km/h", decimals: 0 };
    const kmh = (layout.wheel_diameter_mm * Math.PI * 60) / 1e6 / ratio;
    const oldest = good.reduce((a, b) => (a.age_ms > b.age_ms ? a : b));
    return {
      ...oldest,
      value: median(good.map(({ value }) => Math.abs(value))) * kmh,
      unit: "km/h",
      decimals: 0,
    };
  }
  return null;
}

export function appearance(channel, elapsedMs) {
  if (channel === null) return { look: "none", quality: "none", ageMs: null, value: null, left: 0 };
  const ageMs = channel.age_ms === null ? null : channel.age_ms + elapsedMs;
  const value = Number.isFinite(channel.value) ? channel.value : null;
  if (channel.quality === "waiting" || ageMs === null) {
    return { look: "waiting", quality: "waiting", ageMs: null, value: null, left: 0 };
  }
  const left = Math.max(0, 1 - ageMs / channel.stale_after_ms);
  if (channel.quality === "stale" || ageMs > channel.stale_after_ms) {
    return { look: "stale", quality: "stale", ageMs, value: null, left: 0 };
  }
  if (channel.quality !== "ok") {
    return { look: "fault", quality: channel.quality, ageMs, value, left };
  }
  if (value === null) return { look: "waiting", quality: "waiting", ageMs, value, left: 0 };
  return { look: "ok", quality: "ok", ageMs, value, left };
}

export function staleIn(state, elapsedMs) {
  const dues = state.channels
    .filter(({ age_ms: age }) => age !== null)
    .map((channel) => channel.stale_after_ms - channel.age_ms + 1);
  return Math.min(...[...dues, PICTURE_OLD_MS].map((ms) => ms - elapsedMs).filter((ms) => ms > 0));
}

/* A node's status; "live" in a picture that is itself old proves nothing. */
export function nodeStatus(node, elapsedMs) {
  return node.status === "live" && elapsedMs >= PICTURE_OLD_MS ? "stale" : node.status;
}

/* How far new firmware for a node is: { node, step, bytes, of_bytes, cause, reason }; null where
 * none is, nor was since the gateway started. */
export function updateOf({ update }, name) {
  return update?.nodes.find(({ node }) => node === name) ?? null;
}

/* The node that takes new firmware now, else null. */
export function updated({ update }) {
  const present = ["asking", "sending", "switching", "trying"];
  return update?.nodes.find(({ step }) => present.includes(step)) ?? null;
}

/* What of the new firmware a node has, in whole percent. */
export function percent({ bytes, of_bytes: all }) {
  return all === 0 ? 0 : Math.floor((100 * bytes) / all);
}

/* Alarms that a crew has to see, the most urgent first: those that are not shelved. */
export function seen(alarms) {
  return alarms.filter((alarm) => alarm.state !== "shelved");
}

/* Whether an alarm's number may be drawn: all that it is made of is good, by the page's own clock. */
export function hasNumber({ value, channels: judged }, { channels }, elapsedMs) {
  if (value === null || elapsedMs >= PICTURE_OLD_MS) return false;
  return channels
    .filter(({ id }) => judged.includes(id))
    .every((channel) => appearance(channel, elapsedMs).look === "ok");
}

/* The most urgent alarm on each channel and place: "high", "medium" or "low". Of the channels that
 * an alarm compares, those at its own place have it. */
export function marks({ alarms, channels }) {
  const found = new Map();
  const order = ["low", "medium", "high"];
  const placeOf = new Map(channels.map(({ id, place }) => [id, place]));
  for (const alarm of seen(alarms)) {
    const own = alarm.channels.filter((id) => placeOf.get(id) === alarm.place);
    for (const key of [...(own.length > 0 ? own : alarm.channels), alarm.place]) {
      const known = found.get(key);
      if (order.indexOf(alarm.priority) > order.indexOf(known)) found.set(key, alarm.priority);
    }
  }
  return found;
}

export function total(counters) {
  return Object.values(counters).reduce((sum, count) => sum + count, 0);
}

/* Messages that only come too early or again, as when an acknowledgement got lost. */
const ROUTINE = new Set(["repeated", "no_table", "late_pong", "too_far_ahead"]);

/** How many messages were damaged or a stranger's; what is routine does not count. */
export function strange(refused) {
  return total(
    Object.fromEntries(Object.entries(refused).filter(([reason]) => !ROUTINE.has(reason))),
  );
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function compare(a, b) {
  return a < b ? -1 : Number(a > b);
}
