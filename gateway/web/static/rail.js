/* Four keys for a gloved finger at the panel's edge. show(keys) gives each its sign, word, name
 * and what it does; a key without `press` does nothing, and keeps the focus that it has. */

import { at, attribute, text } from "./dom.js";

const COUNT = 4;
const presses = new Array(COUNT).fill(null);

export function show(keys) {
  keys.forEach(({ sign, word, name, press, lit = false }, index) => {
    const key = at(`key-${index + 1}`);
    presses[index] = press ?? null;
    text(key.querySelector(".sign"), sign);
    text(key.querySelector(".word"), word);
    attribute(key, "aria-label", name ?? word);
    attribute(key, "data-lit", String(lit));
    attribute(key, "aria-disabled", String(press === undefined));
  });
}

for (let index = 0; index < COUNT; index += 1) {
  at(`key-${index + 1}`).addEventListener("click", () => presses[index]?.());
}
