// Measures how long it takes from the acceptance of an event until it can be seen in the list of events. It is for whoever
// wants to know: scripts/browser.sh lag.js
import { after, before, test } from "node:test";
import { openWindow, signIn, startBrowser } from "./lib/browser.js";
import { startReceiver } from "./lib/receiver.js";
import { newClient, startServer } from "./lib/server.js";

const seconds = 15;

let server, browser, receiver, sender;

before(async () => {
  [server, browser, receiver] = await Promise.all([startServer(), startBrowser(), startReceiver()]);
  const admin = newClient(server.url, server.adminToken);
  const { createAccount } = await admin.query(
    'mutation { createAccount(input: {name: "Lag", email: "lag@example.com"}) { account { id } secretToken } }',
  );
  await admin.query("mutation($input: CreateDestinationInput!) { createDestination(input: $input) { destination { id } } }", {
    input: { accountID: createAccount.account.id, url: receiver.url },
  });
  sender = createAccount.secretToken;
});

after(async () => {
  await browser?.close();
  await receiver?.stop();
  await server?.stop();
});

for (const rate of [100, 1000]) {
  test(`${rate} events a second`, { timeout: 120_000 }, async (t) => {
    const { page, context } = await openWindow(browser, { base: server.url });
    await signIn(page, server.adminToken);
    await page.goto("/events");
    await page.getByText("Live", { exact: true }).waitFor();
    await page.evaluate(watch);
    await load(rate);
    const { rows, ages } = await page.evaluate(() => window.seen);
    await context.close();
    t.diagnostic(`${rows.length} events were seen; from acceptance to screen ${percentiles(rows)}`);
    t.diagnostic(`the newest event on the screen, at each frame meanwhile, was ${percentiles(ages)} old`);
  });
}

/** Sends at a constant rate, one by one up to 100 a second and ten at a time above, however long an answer takes. */
async function load(rate) {
  const many = rate > 100 ? 10 : 1;
  const path = many > 1 ? "/server/incoming_data/batch" : "/server/incoming_data";
  const one = { payload: { order: 1, items: ["a", "b", "c"] } };
  const body = JSON.stringify(many > 1 ? Array(many).fill(one) : one.payload);
  const answers = [];
  const began = performance.now();
  for (let sent = 0; sent < rate * seconds; sent += many) {
    const wait = began + (sent * 1000) / rate - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    answers.push(
      fetch(server.url + path, { method: "POST", headers: { Authorization: `Bearer ${sender}`, "Content-Type": "application/json" }, body }).then(
        async (answer) => {
          const text = await answer.text();
          if (!answer.ok) throw new Error(`${answer.status} ${text}`);
        },
      ),
    );
  }
  await Promise.all(answers);
}

/** In the page: notes when an event is first painted, and at each frame how old the newest is. */
function watch() {
  const seen = (window.seen = { rows: [], ages: [] });
  const known = new Set();
  const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  // An id begins with the time of its acceptance, in milliseconds.
  const accepted = (id) => [...id.slice(4, 14)].reduce((n, digit) => n * 32 + digits.indexOf(digit), 0);
  const ids = () => [...document.querySelectorAll('#main a[href^="/events/evt_"]')].map((a) => a.getAttribute("href").slice(8));
  const now = () => performance.timeOrigin + performance.now();
  ids().forEach((id) => known.add(id));
  let begun = false;
  const frame = () => {
    requestAnimationFrame(frame);
    const all = ids();
    const fresh = all.filter((id) => !known.has(id));
    fresh.forEach((id) => known.add(id));
    begun ||= fresh.length > 0;
    // What a frame shows is painted when its tasks have ended.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      const at = now();
      for (const id of fresh) seen.rows.push(at - accepted(id));
      if (begun) seen.ages.push(at - Math.max(...all.map(accepted)));
    };
    port2.postMessage(undefined);
  };
  requestAnimationFrame(frame);
}

function percentiles(all) {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share) => `${sorted[Math.floor(sorted.length * share)]?.toFixed(0)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}`;
}
