/* The connection to the gateway's events.
 *
 * listen({ heard, picture, down }) keeps one connection to /api/events open for ever:
 *   heard()        something arrived, be it a picture or a heartbeat;
 *   picture(state) a whole new state arrived;
 *   down(reason)   the connection ended or was refused: "ended", or "full" when the gateway serves
 *                  no more pages. A new attempt follows by itself.
 * It returns { renew } which drops the connection at once and opens a new one; whoever judges the
 * silence calls it. When the gateway comes back with other assets, the page loads itself anew.
 */

const RETRY_MS = 1000;
const LONGEST_EVENT = 4_000_000;

export function listen({ heard, picture, down }) {
  const assets = document.querySelector('meta[name="axlebox-assets"]').content;
  let abort = null;
  let wake = () => {};

  async function read(signal) {
    const response = await fetch("/api/events", { cache: "no-store", signal });
    if (response.status === 503) return "full";
    if (!response.ok) return "ended";
    if (response.headers.get("axlebox-assets") !== assets) location.reload();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return "ended";
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      if (rest.length > LONGEST_EVENT) return "ended";
      heard();
      const newest = events.map(dataOf).findLast((data) => data !== "");
      if (newest !== undefined) picture(JSON.parse(newest));
    }
  }

  async function run() {
    for (;;) {
      abort = new AbortController();
      let reason = "ended";
      try {
        reason = await read(abort.signal);
      } catch (error) {
        if (!(error instanceof TypeError || error.name === "AbortError")) console.error(error);
      }
      const renewed = abort.signal.aborted;
      abort.abort();
      if (renewed) continue;
      down(reason);
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, RETRY_MS);
      });
    }
  }

  run();
  return {
    renew() {
      abort.abort();
      wake();
    },
  };
}

function dataOf(event) {
  return event
    .split("\n")
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(5).trimStart())
    .join("\n");
}
