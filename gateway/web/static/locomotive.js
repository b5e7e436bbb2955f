/* The locomotive, drawn from its number of axles alone.
 *
 * drawLocomotive(axles) returns an SVG as wide as its axles' columns: across in per cent, so that
 * each wheel's column stays under its bogie at any width; upward in pixels of a box 60 high.
 */

import { bogies } from "./model.js";

const SVG = "http://www.w3.org/2000/svg";

export function drawLocomotive(axles) {
  const svg = part("svg", { class: "drawing", "aria-hidden": "true" });
  const frames = bogies(axles);
  const sections = frames.length > 2 ? 2 : 1;
  for (let section = 0; section < sections; section += 1) {
    svg.append(...body((100 / sections) * section, 100 / sections));
  }
  let axle = 0;
  for (const count of frames) {
    const left = ((axle + 0.5) / axles) * 100;
    const right = ((axle + count - 0.5) / axles) * 100;
    svg.append(bar("bogie", left, right - left, "54%", "14%"));
    axle += count;
  }
  return svg;
}

function body(left, width) {
  const inner = left + 1;
  const across = width - 2;
  return [
    bar("coupler", left, width, "42%", "8%"),
    bar("hood", inner, across, "4%", "44%"),
    bar("window", inner + across * 0.015, across * 0.045, "11%", "17%"),
    bar("window", inner + across * 0.94, across * 0.045, "11%", "17%"),
    ...[0.16, 0.3, 0.44, 0.58, 0.72].map((at) =>
      bar("grille", inner + across * at, across * 0.1, "14%", "20%"),
    ),
  ];
}

function bar(kind, x, width, y, height) {
  return part("rect", { class: kind, x: `${x}%`, width: `${width}%`, y, height, rx: 3 });
}

function part(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
