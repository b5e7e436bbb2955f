/* Gives a page time and events that the test owns; run before any of the page's own scripts.
 *
 * owned.pass(ms, look) lets so much time pass: every timer that is due runs at its own moment, and
 * look() is called whenever something may have changed. owned.tell(step, look) is what the gateway
 * does next: "picture" with its `data`, "heartbeat", "end" (it stops; nobody listens any more),
 * "freeze" (it takes connections and says nothing) or "nothing". Who connects gets the next picture.
 * `owned.now()` is the page's clock in ms, `owned.heard` what the page was told last and when.
 * Everything else the page asks for comes from the server: owned.answered() waits for all of it. */
(() => {
  const timers = new Map();
  const waiting = new Set();
  const hop = new MessageChannel();
  const underWay = new Set();
  const asked = globalThis.fetch;
  let now = 0;
  let names = 0;
  let mode = "up";
  let open = null;
  const hops = [];
  hop.port1.onmessage = () => hops.shift()();

  const owned = { now: () => now, pass, tell, answered, heard: { state: null, at: null, anythingAt: 0 } };
  globalThis.owned = owned;
  performance.now = () => now;
  globalThis.setTimeout = (call, ms = 0) => plan(call, ms, null);
  globalThis.setInterval = (call, ms) => plan(call, ms, ms);
  globalThis.clearTimeout = globalThis.clearInterval = (name) => timers.delete(name);
  globalThis.fetch = (address, options = {}) =>
    address === "/api/events" ? connect(options.signal) : note(asked(address, options));

  function plan(call, ms, every) {
    names += 1;
    timers.set(names, { call, at: now + ms, every });
    return names;
  }

  async function pass(ms, look = () => {}) {
    const end = now + ms;
    for (;;) {
      const [name, next] = [...timers].reduce((a, b) => (b[1].at < a[1].at ? b : a), [0, { at: Infinity }]);
      if (next.at > end) break;
      now = Math.max(now, next.at);
      if (next.every === null) timers.delete(name);
      else next.at += next.every;
      next.call();
      await settled();
      look();
    }
    now = end;
    look();
  }

  async function tell({ kind, data }, look = () => {}) {
    if (kind === "picture") {
      mode = "up";
      if (open !== null) send(open, data);
      for (const answer of [...waiting]) answer(data);
    } else if (kind === "heartbeat") {
      if (open !== null) say(open, ": heartbeat\n\n");
    } else if (kind === "end") {
      mode = "down";
      open?.close();
      open = null;
    } else if (kind === "freeze") {
      mode = "frozen";
    }
    await settled();
    look();
  }

  /* Everything that is under way in this page has happened: streams need no more than a task. */
  async function settled() {
    for (let round = 0; round < 3; round += 1) {
      await new Promise((resolve) => {
        hops.push(resolve);
        hop.port2.postMessage(null);
      });
    }
  }

  function note(answer) {
    underWay.add(answer);
    answer.catch(() => {}).finally(() => underWay.delete(answer));
    return answer;
  }

  async function answered() {
    while (underWay.size > 0) await Promise.allSettled(underWay);
    await settled();
  }

  function connect(signal) {
    if (mode === "down") return Promise.reject(new TypeError("nobody listens"));
    return new Promise((resolve, reject) => {
      const given = () => new DOMException("given up", "AbortError");
      const refuse = () => {
        waiting.delete(answer);
        reject(given());
      };
      function answer(data) {
        waiting.delete(answer);
        signal.removeEventListener("abort", refuse);
        resolve(stream(signal, given, data));
      }
      signal.addEventListener("abort", refuse, { once: true });
      waiting.add(answer);
    });
  }

  function stream(signal, given, data) {
    let mine = null;
    const body = new ReadableStream({
      start(controller) {
        mine = controller;
        open = controller;
        send(controller, data);
      },
    });
    signal.addEventListener("abort", () => {
      if (open === mine) open = null;
      mine.error(given());
    }, { once: true });
    const assets = document.querySelector('meta[name="axlebox-assets"]').content;
    return new Response(body, { headers: { "axlebox-assets": assets } });
  }

  function send(controller, data) {
    owned.heard.state = JSON.parse(data);
    owned.heard.at = now;
    say(controller, `data: ${data}\n\n`);
  }

  function say(controller, words) {
    owned.heard.anythingAt = now;
    controller.enqueue(new TextEncoder().encode(words));
  }
})();
