/* Looks at every value that the page shows, and compares it with what the page was told and how
 * long ago. Needs owned_gateway.js; knows nothing of the page's own scripts.
 *
 * judge.look() judges what is on the screen now, to a clock's last millisecond; judge.said are the faults found, each with the
 * page's second; judge.seen counts what there was to see. */
(() => {
  const LOST_MS = 3000;
  const SOON_MS = 2;
  const MOST = 40;
  const SIGNS = ["diamond", "ring", "cross"];
  const judge = { look, said: [], seen: {} };
  globalThis.judge = judge;

  function look() {
    const { state, at } = owned.heard;
    const lost = state === null || owned.now() - owned.heard.anythingAt >= LOST_MS;
    const covered = isSeen(document.getElementById("cover"));
    count("looks");
    if (lost && !covered) say("nothing heard, and the page is not covered");
    if (covered) count("covered");
    const ages = state === null ? new Map() : new Map(state.channels.map((one) => [one.id, one]));
    const elapsed = owned.now() - (at ?? 0);
    for (const field of document.querySelectorAll("#screens > section:not([hidden]) [data-channel]")) {
      const id = field.dataset.channel;
      const good = (late) => id === "speed" ? speedIsGood(state, elapsed - late) : isGood(ages.get(id), elapsed - late);
      if (!lost && good(SOON_MS) && !good(0)) count("due");
      else judgeField(field, id, ages.get(id), !lost && good(0), covered);
    }
    judgeAlarms(state, ages, elapsed, lost || covered);
    judgeNodes(state, elapsed, covered);
  }

  function judgeField(field, id, channel, good, covered) {
    const value = field.querySelector(".value");
    const number = /[0-9]/.test(value.textContent) && isSeen(value);
    const crossed = getComputedStyle(value).textDecorationLine === "line-through";
    if (covered) {
      if (/[0-9]/.test(value.textContent)) say(`${id}: ${value.textContent} below the cover`);
      return;
    }
    if (good) {
      count("good");
      if (!number || crossed) say(`${id}: good, and shown as ${field.textContent}`);
      else if (id !== "speed" && !agrees(value.textContent, channel)) say(`${id}: ${channel.value} shown as ${value.textContent}`);
      return;
    }
    const quality = channel === undefined ? "none" : channel.quality;
    count(quality);
    if (number && !crossed) say(`${id}: ${quality}, and shown as the number ${value.textContent}`);
    if (number && ["stale", "waiting"].includes(quality)) say(`${id}: ${quality}, with a number`);
    const shape = field.querySelector(".shape");
    if (!isSeen(shape) || !SIGNS.includes(shape.dataset.shape)) {
      if (quality !== "none") say(`${id}: ${quality} without a shape`);
    }
    const word = field.querySelector(".word");
    if (!isSeen(word) || word.textContent === "") say(`${id}: ${quality} without a word`);
    const told = field.getAttribute("aria-label") ?? "";
    if (channel !== undefined && new RegExp(`[0-9] ?${channel.unit}(?:,|$)`).test(told)) {
      say(`${id}: ${quality}, and a screen reader is told ${told}`);
    }
  }

  /* An alarm's number is a value too: it needs all that it is made of. */
  function judgeAlarms(state, channels, elapsed, blank) {
    const facts = (of) => [...document.querySelectorAll(`${of} .facts`)];
    const numbered = (one) => isSeen(one) && /[0-9]\s[<>]\s/.test(one.textContent);
    if (blank) {
      const left = [...facts("#strip"), ...facts("#alarms:not([hidden])")].filter(numbered);
      if (left.length > 0 && !isSeen(document.getElementById("cover"))) say("an alarm's number without a link");
      return;
    }
    const first = state.alarms.filter((alarm) => alarm.state !== "shelved").slice(0, 1);
    const pairs = [[facts("#strip"), first], [facts("#alarms:not([hidden])"), state.alarms]];
    for (const [shown, alarms] of pairs) {
      shown.filter((one) => one.textContent !== "").forEach((one, index) => {
        if (!numbered(one)) return;
        const { id, channels: on, value } = alarms[index];
        const good = value !== null && elapsed - SOON_MS < LOST_MS && on.every((each) => isGood(channels.get(each), elapsed - SOON_MS));
        count("alarm numbers");
        if (!good) say(`an alarm's number of what is not good: ${id} ${one.textContent}`);
      });
    }
  }

  function judgeNodes(state, elapsed, covered) {
    const chip = document.querySelector("#status li");
    if (covered || state === null || chip === null || !isSeen(chip)) return;
    const silent = elapsed >= LOST_MS || state.nodes.some(({ status }) => status !== "live");
    if (silent && chip.dataset.shape === "disc") say("a node is silent, and all are shown as there");
    if (silent) count("silent nodes");
  }

  function isGood(channel, elapsed) {
    return (
      channel !== undefined &&
      channel.quality === "ok" &&
      Number.isFinite(channel.value) &&
      channel.age_ms !== null &&
      channel.age_ms + elapsed <= channel.stale_after_ms
    );
  }

  function speedIsGood(state, elapsed) {
    const of = (quantity) => state.channels.filter((channel) => channel.quantity === quantity);
    const wheels = of("axle.speed");
    return (wheels.length > 0 ? wheels : of("motor.speed")).some((one) => isGood(one, elapsed));
  }

  function agrees(shown, channel) {
    const read = Number(shown.replace("\u2212", "-").replace(",", "."));
    const places = (/[.,]([0-9]+)$/.exec(shown)?.[1] ?? "").length;
    return Math.abs(read - channel.value) <= 0.5 * 10 ** -places + 1e-9;
  }

  function isSeen(element) {
    return (
      element !== null &&
      element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
      element.getBoundingClientRect().width > 0
    );
  }

  function count(what) {
    judge.seen[what] = (judge.seen[what] ?? 0) + 1;
  }

  function say(what) {
    if (judge.said.length < MOST) judge.said.push(`${(owned.now() / 1000).toFixed(2)} s: ${what}`);
  }
})();
