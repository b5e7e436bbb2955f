/* A channel's course, drawn: the band from minimum to maximum, the mean in it, and nothing where
 * nothing is known. drawChart(trend, { width, height, text }) returns an SVG of that size in px;
 * `text` is the height of its letters. Time runs to the right edge, which is the newest.
 */

import { age, exact } from "./i18n.js";
import { drawn } from "./dom.js";

const LINES_MOST = 3;
const SLACK = 0.1;
const TICKS = 3;
const STEPS = [1, 2, 2.5, 5, 10];

export function drawChart(trend, { width, height, text }) {
  const svg = drawn("svg", { class: "chart", width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
  const known = trend.mean.filter((value) => value !== null);
  if (known.length === 0) return svg;
  const bottom = height - text * 1.3;
  const top = text * 0.6;
  const marks = scale(
    Math.min(...trend.low.filter((value) => value !== null)),
    Math.max(...trend.high.filter((value) => value !== null)),
    Math.max(1, Math.min(LINES_MOST, Math.floor((bottom - top) / (text * 1.2)))),
  );
  const labels = marks.values.map((value) => exact(value, marks.decimals));
  const left = Math.max(...labels.map((label) => label.length)) * text * 0.62 + 8;
  const count = trend.mean.length;
  const x = (index) => left + ((index + 0.5) / count) * (width - left);
  const y = (value) => bottom - ((value - marks.low) / (marks.high - marks.low)) * (bottom - top);
  marks.values.forEach((value, index) => {
    svg.append(
      drawn("line", { class: "grid", x1: left, x2: width, y1: y(value), y2: y(value) }),
      letters(labels[index], left - 8, y(value) + text * 0.35, text, "end"),
    );
  });
  for (const run of runs(trend)) svg.append(...drawRun(trend, run, x, y));
  svg.append(...suspects(trend, x, (width - left) / count, bottom));
  const spanMs = trend.step_ms * count;
  for (let tick = 0; tick < TICKS; tick += 1) {
    const share = tick / (TICKS - 1);
    const label = share === 1 ? "0" : `\u2212${age(spanMs * (1 - share))}`;
    const anchor = ["start", "middle", "end"][tick];
    svg.append(letters(label, left + share * (width - left), height - 4, text, anchor));
  }
  return svg;
}

/* Stretches of points that have a value, as [first, last]. */
function runs(trend) {
  const found = [];
  trend.mean.forEach((value, index) => {
    if (value === null) return;
    const last = found.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else found.push([index, index]);
  });
  return found;
}

function drawRun(trend, [first, last], x, y) {
  const indices = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const path = (values) => indices.map((index) => `${x(index).toFixed(1)},${y(values[index]).toFixed(1)}`);
  if (first === last) {
    return [
      drawn("line", { class: "mean", x1: x(first), x2: x(first), y1: y(trend.low[first]) + 1, y2: y(trend.high[first]) - 1 }),
    ];
  }
  return [
    drawn("polygon", { class: "band", points: [...path(trend.high), ...path(trend.low).reverse()].join(" ") }),
    drawn("polyline", { class: "mean", points: path(trend.mean).join(" ") }),
  ];
}

/* Where samples came that cannot be trusted: a bar on the ground. */
function suspects(trend, x, width, bottom) {
  return trend.suspect.flatMap((suspect, index) =>
    suspect
      ? [drawn("rect", { class: "suspect", x: x(index) - width / 2, y: bottom - 6, width: width + 0.5, height: 6 })]
      : [],
  );
}

function letters(content, x, y, size, anchor) {
  return drawn("text", { x, y, "font-size": size, "text-anchor": anchor }, content);
}

/* Round marks, at most `lines` apart, that all but hold the values; with room where these hardly
 * differ. */
function scale(low, high, lines) {
  const room = Math.max(high - low, Math.abs(high) * 0.02, 0.2);
  const power = 10 ** Math.floor(Math.log10(room / lines));
  const step = power * STEPS.find((one) => one * power * lines >= room);
  const first = Math.floor(low / step + SLACK);
  const last = Math.max(Math.ceil(high / step - SLACK), first + 1);
  const values = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (step / power === 2.5 ? 1 : 0));
  return { values, decimals, low: Math.min(low, first * step), high: Math.max(high, last * step) };
}
