/* The locomotive, drawn from the profile: sections, bogies, axles and the motors on them.
 *
 * drawLocomotive(layout) returns an SVG as wide as its axles' columns: across in per cent, so that
 * each axle stays over its column at any width; upward in per cent of its height. The motor and
 * the wheel of axle n have data-part="motor n" and "axle n".
 */

import { drawn } from "./dom.js";

export function drawLocomotive(layout) {
  const svg = drawn("svg", { class: "drawing", "aria-hidden": "true" });
  const { sections, bogies, axles, motors } = layout;
  for (let section = 0; section < sections; section += 1) {
    svg.append(...body((100 / sections) * section, 100 / sections));
  }
  const each = axles / bogies;
  for (let bogie = 0; bogie < bogies; bogie += 1) {
    const left = ((bogie * each + 0.22) / axles) * 100;
    svg.append(bar("bogie", left, ((each - 0.44) / axles) * 100, 52, 12));
  }
  for (let axle = 1; axle <= axles; axle += 1) {
    const centre = ((axle - 0.5) / axles) * 100;
    if (axle <= motors) {
      const motor = bar("motor", centre + 15 / axles, 26 / axles, 58, 32);
      motor.dataset.part = `motor ${axle}`;
      svg.append(motor);
    }
    const wheel = drawn("circle", { class: "wheel-drawn", cx: `${centre}%`, cy: "72%", r: "1.1rem" });
    wheel.dataset.part = `axle ${axle}`;
    svg.append(wheel);
  }
  return svg;
}

function body(left, width) {
  const inner = left + 0.6;
  const across = width - 1.2;
  return [
    bar("coupler", left, width, 40, 8),
    bar("hood", inner, across, 3, 45),
    bar("window", inner + across * 0.015, across * 0.045, 10, 17),
    bar("window", inner + across * 0.94, across * 0.045, 10, 17),
    ...[0.16, 0.3, 0.44, 0.58, 0.72].map((at) =>
      bar("grille", inner + across * at, across * 0.1, 12, 20),
    ),
  ];
}

function bar(kind, x, width, y, height) {
  return drawn("rect", {
    class: kind,
    x: `${x}%`,
    width: `${width}%`,
    y: `${y}%`,
    height: `${height}%`,
    rx: 2,
  });
}
