/* Day, night and red light, one after the other; kept in this browser. mode.js applies it at load. */

const KEPT = "axlebox.mode";
const LIGHTS = ["night", "red", "day"];

export function light() {
  return document.documentElement.dataset.mode;
}

export function nextLight() {
  const next = LIGHTS[(LIGHTS.indexOf(light()) + 1) % LIGHTS.length];
  document.documentElement.dataset.mode = next;
  try {
    localStorage.setItem(KEPT, next);
  } catch {
    // a browser that keeps nothing still changes
  }
}
