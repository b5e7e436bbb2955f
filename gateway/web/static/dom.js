/* Small steps on the document. What is there already is not touched, and text is never markup. */

const SVG = "http://www.w3.org/2000/svg";

export const at = (id) => document.getElementById(id);

export function element(tag, className, attributes = {}) {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function drawn(tag, attributes, ...inside) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

export function words(content, className) {
  const made = element("span", className);
  text(made, content.trim());
  return made;
}

export function text(made, content) {
  if (made.textContent !== content) made.textContent = content;
}

export function attribute(made, name, value) {
  if (made.getAttribute(name) !== value) made.setAttribute(name, value);
}

export function hide(made, hidden) {
  if (made.hidden !== hidden) made.hidden = hidden;
}

export function property(made, name, value) {
  if (made.style.getPropertyValue(name) !== value) made.style.setProperty(name, value);
}

export function label(root, name) {
  attribute(root, "aria-label", name);
  attribute(root, "title", name);
}

/* A chip: shape, name, word and age in one line; `parts` are those it has. */
export function makeChip(tag, parts) {
  const root = element(tag, "chip");
  root.append(...parts.map((part) => element("span", part)));
  return chipOf(root);
}

export function chipOf(root) {
  const chip = { root };
  for (const part of root.children) chip[part.classList[0]] = part;
  return chip;
}

export function chipLook(chip, shape, word, ageText = "") {
  attribute(chip.root, "data-shape", shape);
  attribute(chip.shape, "data-shape", shape);
  text(chip.word, word);
  if (chip.age !== undefined) text(chip.age, ageText);
}
