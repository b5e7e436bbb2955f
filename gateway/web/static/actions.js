/* What a crew asks of alarms, and the PIN where one is needed.
 *
 * act(what, body) asks for "acknowledge", "shelve", "unshelve" or "silence"; where the gateway
 * wants the PIN, the pad is shown and the action asked for again. It resolves to whether it was
 * done; what was refused is told on the screen. quiet(body) asks without a pad or a word.
 */

import { t } from "./i18n.js";
import { at, element, text, words } from "./dom.js";

const PIN_LONGEST = 12;
const MINUTES = [15, 60, 240, 480];

export async function act(what, body) {
  const response = await post(`/api/alarms/${what}`, body);
  if (response?.status === 401) {
    return (await enter()) ? act(what, body) : false;
  }
  if (response?.ok) return true;
  await tell(await reason(response));
  return false;
}

export function quiet(what, body) {
  return post(`/api/alarms/${what}`, body);
}

/* For how long an alarm is to be out of sight; null: not at all. */
export function askMinutes() {
  return ask(t("shelve.ask"), (close) =>
    MINUTES.map((minutes) => {
      const label = minutes < 60 ? t("age.min", minutes) : t("age.h", minutes / 60);
      return key(label, () => close(minutes));
    }),
  );
}

/* The pad, until the gateway takes the PIN or somebody gives up. */
async function enter() {
  let told = t("pin.ask");
  for (;;) {
    const pin = await pad(told);
    if (pin === null) return false;
    const response = await post("/api/session", { pin });
    if (response?.ok) return true;
    told = response?.status === 400 ? t("pin.wrong") : await reason(response, t("pin.wrong"));
  }
}

/* Digits come from its keys or from a keyboard, where Enter then says that they are all. */
function pad(told) {
  let pin = "";
  return ask(told, (close, say) => {
    const show = () => say("\u2022".repeat(pin.length) || told);
    const type = (digit) => {
      if (pin.length < PIN_LONGEST) pin += digit;
      show();
    };
    const erase = () => {
      pin = pin.slice(0, -1);
      show();
    };
    const done = key("\u2713", () => close(pin), t("pin.done"));
    at("dialog").onkeydown = ({ key: typed }) => {
      if (typed === "Backspace") erase();
      else if (/^[0-9]$/.test(typed)) type(typed);
      else return;
      done.focus();
    };
    return [
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => key(String(digit), () => type(digit))),
      key("\u232b", erase, t("pin.delete")),
      key("0", () => type(0)),
      done,
    ];
  });
}

function tell(sentence) {
  return ask(sentence, () => []);
}

/* A dialog with a sentence and keys; resolves to what `close` was given, null by the last key. */
function ask(sentence, makeKeys) {
  const dialog = at("dialog");
  dialog.onkeydown = null;
  const title = element("p", "asked", { role: "status" });
  text(title, sentence);
  const keys = element("div", "keys");
  return new Promise((resolve) => {
    const close = (result) => {
      dialog.onclose = null;
      dialog.close();
      resolve(result);
    };
    const made = makeKeys(close, (told) => text(title, told));
    keys.append(...made, key(t("key.back"), () => close(null)));
    keys.dataset.count = String(made.length);
    dialog.onclose = () => resolve(null);
    dialog.setAttribute("aria-label", sentence);
    dialog.replaceChildren(title, keys);
    if (!dialog.open) dialog.showModal();
    keys.firstChild.focus();
  });
}

function key(label, press, name = label) {
  const made = element("button", "key", { type: "button", "aria-label": name });
  made.append(words(label, "word"));
  made.addEventListener("click", press);
  return made;
}

async function post(address, body) {
  try {
    return await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return null;
  }
}

/* Why not, in the crew's words where there are some, else in the gateway's. */
async function reason(response, refused = t("refused.pin")) {
  if (response === null) return t("refused.link");
  const told = { 401: refused, 403: t("refused.here"), 409: t("refused.over"), 429: t("refused.often") };
  return told[response.status] ?? (await response.json()).error;
}
