/* What is to be seen, worked out from the state alone; nothing here touches the document.
 *
 * arrange(channels) sorts channels into the table of motors and axles and into tiles:
 *   { columns, rows: [{ quantity, side, unit, cells: [channel or null, one a column] }], tiles }
 * A channel belongs in the table when its place is "motor n" or "axle n" and another one measures
 * the same beside it; every other channel, known or not, gets a tile.
 *
 * appearance(channel, elapsedMs) judges one channel `elapsedMs` after the state was taken:
 *   { look: "ok" | "stale" | "waiting" | "fault", quality, ageMs, value }
 * `value` is null unless a number may be drawn; with look "fault" it may only be drawn crossed out.
 */

const NUMBERED = /^(?:motor|axle) ([1-9]|1[0-6])(?: (.+))?$/;
const PICTURE_OLD_MS = 3000;

const ORDER = [
  "motor.current",
  "motor.winding_temperature",
  "axle.load",
  "axle.bearing_temperature",
  "brake.pipe_pressure",
  "brake.cylinder_pressure",
  "brake.main_reservoir_pressure",
  "brake.equalising_pressure",
];

export function arrange(channels) {
  const rows = new Map();
  const tiles = [];
  for (const channel of channels) {
    const match = NUMBERED.exec(channel.place);
    if (match === null) {
      tiles.push(channel);
      continue;
    }
    const side = match[2] ?? "";
    const key = `${channel.quantity} ${side}`;
    if (!rows.has(key)) {
      rows.set(key, { quantity: channel.quantity, side, unit: channel.unit, byNumber: new Map() });
    }
    const { byNumber } = rows.get(key);
    if (byNumber.has(Number(match[1]))) tiles.push(channel);
    else byNumber.set(Number(match[1]), channel);
  }
  for (const [key, row] of rows) {
    if (row.byNumber.size > 1) continue;
    tiles.push(...row.byNumber.values());
    rows.delete(key);
  }
  const numbers = [...rows.values()].flatMap((row) => [...row.byNumber.keys()]);
  const columns = Math.max(0, ...numbers);
  return {
    columns,
    rows: [...rows.values()].sort(byRank).map(({ quantity, side, unit, byNumber }) => ({
      quantity,
      side,
      unit,
      cells: Array.from({ length: columns }, (_, index) => byNumber.get(index + 1) ?? null),
    })),
    tiles: tiles.sort(byRank),
  };
}

export function appearance(channel, elapsedMs) {
  const ageMs = channel.age_ms === null ? null : channel.age_ms + elapsedMs;
  const value = Number.isFinite(channel.value) ? channel.value : null;
  if (channel.quality === "waiting" || ageMs === null) {
    return { look: "waiting", quality: "waiting", ageMs: null, value: null };
  }
  if (channel.quality === "stale" || ageMs > channel.stale_after_ms) {
    return { look: "stale", quality: "stale", ageMs, value: null };
  }
  if (channel.quality !== "ok") return { look: "fault", quality: channel.quality, ageMs, value };
  if (value === null) return { look: "waiting", quality: "waiting", ageMs, value };
  return { look: "ok", quality: "ok", ageMs, value };
}

/* A node's status; "live" in a picture that is itself old proves nothing. */
export function nodeStatus(node, elapsedMs) {
  return node.status === "live" && elapsedMs >= PICTURE_OLD_MS ? "stale" : node.status;
}

/* Axles of each bogie, for the wheel arrangements that locomotives here have. */
export function bogies(axles) {
  if (axles === 6) return [3, 3];
  if (axles === 4) return [2, 2];
  if (axles === 8) return [2, 2, 2, 2];
  return [axles];
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

function byRank(a, b) {
  return rank(a.quantity) - rank(b.quantity);
}

function rank(quantity) {
  const index = ORDER.indexOf(quantity);
  return index < 0 ? ORDER.length : index;
}
