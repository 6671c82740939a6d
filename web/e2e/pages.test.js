import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, openWindow, overflow, phone, signIn, startBrowser, violations, watched, wide } from "./lib/browser.js";
import { newClient, startServer } from "./lib/server.js";
import { startReceiver } from "./lib/receiver.js";

// Where pictures go. They are taken after a while of traffic, so that the charts have something to show.
const pictures = process.env.PICTURES;
const minutes = Number(process.env.MINUTES ?? 12);
// Where a picture of every page is kept, for those who want to look at what CI has seen.
const artifacts = process.env.ARTIFACTS;

/** What a picture is taken of, wide and as narrow as a phone. */
const pictured = {
  wide: [
    "sign-in", "overview", "accounts", "account", "account-tokens", "account-usage", "destinations", "destination", "destination-open",
    "events", "event", "event-replay", "replays", "replay-new", "replay", "audit", "settings", "quick-open",
  ],
  phone: ["overview", "events", "event", "destination-open"],
};

let server, browser, world;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
  world = await fill();
});

after(async () => {
  await browser?.close();
  await Promise.all(world?.receivers.map((receiver) => receiver.stop()) ?? []);
  await server?.stop();
});

/** Every page, and what has to be there before it is looked at. */
function pages() {
  const { account, shop, failing, event, waiting, replay } = world.ids;
  return [
    ["overview", "/", "Warehouse"],
    ["accounts", "/accounts", "Corner shop"],
    ["account", `/accounts/${account}`, "Shop backend"],
    ["account-tokens", `/accounts/${account}?tab=tokens`, "Till"],
    ["account-usage", `/accounts/${account}?tab=usage`, "Events accepted"],
    ["account-settings", `/accounts/${account}?tab=settings`, "Egress policy"],
    ["destinations", "/destinations", "Warehouse"],
    ["destination", `/destinations/${shop}`, "Accepted of late"],
    ["destination-open", `/destinations/${failing}`, "nothing is lost"],
    ["events", "/events", "order.created"],
    ["events-filtered", "/events?status=PARKED&type=order.*", "order."],
    ["event", `/events/${event}`, "The destination has accepted it."],
    ["event-waiting", `/events/${waiting}`, "after"],
    ["event-replay", `/events/${event}?replay=true`, "Where it goes"],
    ["replays", "/replays", "Completed"],
    ["replay-new", "/replays?create=true", "Count what matches"],
    ["replay", `/replays/${replay}`, "What was asked for"],
    ["audit", "/audit", "Breaker opened"],
    ["settings", "/settings", "System health"],
    ["missing", "/events/evt_01AN4Z07BY79KA1307SR9X4MV3", "There is no event with this id"],
    ["nowhere", "/nowhere", "There is nothing at this address"],
  ];
}

for (const colours of ["light", "dark"]) {
  for (const [name, size] of Object.entries({ wide, phone })) {
    test(`every page, ${colours}, ${name}`, { timeout: 180_000 }, async (t) => {
      const { page, context, complaints } = await openWindow(browser, { base: server.url, size, colours });
      try {
        await page.goto("/sign-in");
        await page.getByLabel("Token").waitFor();
        await look(t, page, "sign-in", colours, name);
        await signIn(page, server.adminToken);
        for (const [what, path, text] of pages()) {
          await t.test(what, () =>
            watched(page, `${what} ${colours} ${name}`, async () => {
              await page.goto(path);
              await page.getByText(text).locator("visible=true").first().waitFor();
              if (what === "event-replay") await edit(page);
              await page.waitForFunction(() => !document.querySelector("[aria-busy=true], .skeleton"));
              await look(t, page, what, colours, name);
            }),
          );
        }
        if (name === "phone") {
          await t.test("menu", async () => {
            await page.goto("/");
            await page.getByRole("button", { name: "Menu" }).click();
            await page.getByRole("navigation", { name: "Main" }).waitFor();
            await look(t, page, "menu", colours, name);
          });
        } else {
          await t.test("quick open", async () => {
            await page.goto("/");
            await page.getByRole("heading", { name: "Overview" }).waitFor();
            await page.keyboard.press("Control+k");
            await page.getByRole("combobox").fill("shop");
            await page.getByRole("option", { name: /Shop backend/ }).waitFor();
            await look(t, page, "quick-open", colours, name);
            await page.keyboard.press("Enter");
            await page.waitForURL(/\/(destinations|accounts)\//);
          });
        }
        assert.deepEqual(complaints, [], "the page complains of nothing");
      } finally {
        await context.close();
      }
    });
  }
}

/** What an account's owner opens beside that: its own account alone, and what is like nothing that an administrator has. */
function ownPages() {
  const { account, shop, failing, event, waiting, replay } = world.ids;
  return [
    ["own-overview", "/", "Warehouse"],
    ["own-account", `/accounts/${account}`, "Shop backend"],
    ["own-tokens", `/accounts/${account}?tab=tokens`, "Till"],
    ["own-usage", `/accounts/${account}?tab=usage&period=7d`, "What happened in the last 7 days."],
    ["own-settings", `/accounts/${account}?tab=settings`, "Egress policy"],
    ["own-destinations", "/destinations?state=NOT_SENDING", "Warehouse"],
    ["own-destination", `/destinations/${shop}?period=24h`, "Accepted of late"],
    ["own-destination-open", `/destinations/${failing}`, "nothing is lost"],
    ["own-events", "/events?type=order.*", "order."],
    ["own-event", `/events/${event}`, "The destination has accepted it."],
    ["own-event-waiting", `/events/${waiting}`, "after"],
    ["own-replays", "/replays", "Completed"],
    ["own-replay-new", "/replays?create=true&from=any", "Count what matches"],
    ["own-replay", `/replays/${replay}`, "What was asked for"],
    ["own-browser", "/settings", "send events, read, change"],
  ];
}

// All of what they are made of is seen above, in each colour and width.
for (const [colours, name, size] of [["light", "wide", wide], ["dark", "phone", phone]]) {
  test(`what others see, and what goes wrong, ${colours}, ${name}`, { timeout: 120_000 }, async (t) => {
    const { ids, admin, ownToken } = world;
    const { page, context, complaints } = await openWindow(browser, { base: server.url, size, colours });
    const at = (what, path, text) =>
      t.test(what, () =>
        watched(page, `${what} ${colours} ${name}`, async () => {
          await page.goto(path);
          await page.getByText(text).locator("visible=true").first().waitFor();
          await page.waitForFunction(() => !document.querySelector("[aria-busy=true], .skeleton"));
          await look(t, page, what, colours, name);
        }),
      );
    try {
      await signIn(page, ownToken);
      for (const [what, path, text] of ownPages()) await at(what, path, text);
      for (const [kind, path] of Object.entries({
        Event: `/events/${ids.event}`, Destination: `/destinations/${ids.shop}`, Account: `/accounts/${ids.account}`, Replay: `/replays/${ids.replay}`,
      })) {
        const refuse = (route) =>
          route.request().postData()?.includes(`query ${kind}(`)
            ? route.fulfill({ json: { errors: [{ message: "it is not to be had", extensions: { code: "forbidden" } }] } })
            : route.fallback();
        await page.route("/graphql", refuse);
        await at(`failed-${kind.toLowerCase()}`, path, "It is not to be had.");
        assert.equal(await page.title(), `The ${kind.toLowerCase()} could not be loaded · Data Pusher`);
        await page.unroute("/graphql", refuse);
      }

      const { createPortalLink } = await admin.query("mutation($input: CreatePortalLinkInput!) { createPortalLink(input: $input) { url } }", {
        input: { accountID: ids.account, scopes: ["READ"] },
      });
      const { pathname, hash } = new URL(createPortalLink.url);
      await context.clearCookies();
      await at("read-overview", pathname + hash, "Warehouse");
      await at("read-destination", `/destinations/${ids.failing}`, "nothing is lost");
      await at("read-events", "/events", "order.created");
      await page.goto("about:blank");
      await at("used-link", pathname + hash, "It has been used already");
      assert.deepEqual(complaints, [], "the page complains of nothing");

      // From here on the page complains, as it should.
      await signIn(page, ownToken);
      await page.route(/assets\/replays-/, (route) =>
        route.fulfill({ contentType: "text/javascript", body: 'export function Replays() { throw new Error("it has broken"); }' }),
      );
      await at("broken", "/replays", "It has broken.");
      await page.route("/graphql", (route) =>
        route.request().postData()?.includes("query Viewer ")
          ? route.fulfill({ json: { errors: [{ message: "nobody is known", extensions: { code: "forbidden" } }] } })
          : route.fallback(),
      );
      await at("broken-everywhere", "/", "Nobody is known.");
    } finally {
      await context.close();
    }
  });
}

async function look(t, page, what, colours, name) {
  if (artifacts) await page.screenshot({ path: `${artifacts}/${what}-${name}-${colours}.png` });
  if (pictures && pictured[name].includes(what)) await page.screenshot({ path: `${pictures}/${what}${name === "phone" ? "-phone" : ""}-${colours}.png` });
  assert.deepEqual(await violations(page), [], `${what}: what axe finds`);
  assert.ok((await overflow(page)) <= 0, `${what}: the page is wider than its window`);
  const ticking = await page.locator(":is([role=alert], [role=status], [aria-live]:not([aria-live=off])) time").count();
  assert.equal(ticking, 0, `${what}: a time that goes on is read out each second`);
}

/** Changes a payload, and compares it with the original. */
async function edit(page) {
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const editor = page.getByRole("textbox", { name: "The payload to send" });
  await editor.getByText("60.75").dblclick({ position: { x: 4, y: 8 } }); // the digits before the point
  await page.keyboard.type("45");
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await page.getByRole("textbox", { name: "The original payload" }).or(page.locator(".cm-deletedChunk")).first().waitFor();
}

/** Fills the server with what a page can show. */
async function fill() {
  const admin = newClient(server.url, server.adminToken);
  const receivers = await Promise.all([startReceiver(), startReceiver(), startReceiver(), startReceiver()]);
  const [shop, warehouse, mailer, flaky] = receivers;
  shop.delay = 18;
  flaky.delay = 70;
  const makeAccount = async (name, email) =>
    (await admin.query("mutation($input: CreateAccountInput!) { createAccount(input: $input) { account { id } secretToken } }", { input: { name, email, website: "https://shop.example" } })).createAccount;
  const corner = await makeAccount("Corner shop", "owner@corner.example");
  for (const name of ["Book barn", "Bike workshop", "Flower stand"]) await makeAccount(name, `${name.split(" ")[0].toLowerCase()}@example.com`);
  const owner = admin.with(corner.secretToken);
  const makeDestination = async (name, url, more = {}) =>
    (await owner.query("mutation($input: CreateDestinationInput!) { createDestination(input: $input) { destination { id } } }", {
      input: { accountID: corner.account.id, name, url, ...more },
    })).createDestination.destination.id;
  const ids = { account: corner.account.id };
  ids.shop = await makeDestination("Shop backend", shop.url, { headers: [{ name: "X-Shop", value: "corner" }] });
  ids.failing = await makeDestination("Warehouse", warehouse.url);
  ids.mailer = await makeDestination("Mailer", mailer.url, { httpMethod: "PUT" });
  ids.flaky = await makeDestination("Statistics", flaky.url, { retrySchedule: ["1s", "2s", "10m"] });
  await owner.query("mutation($input: CreateTokenInput!) { createToken(input: $input) { token { id } } }", {
    input: { accountID: corner.account.id, name: "Till", scopes: ["INGEST"] },
  });

  const order = (n) => ({ order: n, total: Number((9.5 + n * 1.25).toFixed(2)), currency: "EUR", customer: { id: `cus_${1000 + n}`, country: "DE", newsletter: n % 2 === 0 }, items: [{ sku: "TEA-250", quantity: 1 + (n % 3), price: 4.75 }, { sku: "CUP-BLUE", quantity: 1, price: 8.5 }], note: null });
  const types = ["order.created", "order.paid", "order.shipped", "invoice.sent", "customer.updated"];
  for (let n = 1; n <= 40; n++) await owner.send(order(n), types[n % types.length]);
  const delivered = () => owner.query("{ deliveries(where: {status: SUCCEEDED}) { totalCount } }").then(({ deliveries }) => deliveries.totalCount);
  await eventually("all of them are delivered", async () => (await delivered()) === 160);
  flaky.status = 500;
  ids.event = await owner.send(order(41), "order.created");
  await eventually("the flaky destination is tried again", () => flaky.requests.filter((r) => JSON.parse(r.body).order === 41).length >= 2);
  flaky.status = 200;
  await eventually("it is there in the end", async () => {
    const { event } = await owner.query("query($id: ID!) { event(id: $id) { deliveries { edges { node { status } } } } }", { id: ids.event });
    return event.deliveries.edges.every(({ node }) => node.status === "SUCCEEDED");
  });
  warehouse.status = 503;
  for (let n = 42; n <= 62; n++) ids.waiting = await owner.send(order(n), types[n % types.length]);
  await eventually("the warehouse's breaker opens", async () => {
    const { destination } = await owner.query("query($id: ID!) { destination(id: $id) { state } }", { id: ids.failing });
    return destination.state === "OPEN";
  });
  await owner.query("mutation($input: PauseDestinationInput!) { pauseDestination(input: $input) { destination { id } } }", {
    input: { destinationID: ids.mailer, reason: "New mail server" },
  });
  for (let n = 63; n <= 66; n++) await owner.send(order(n), types[n % types.length]);
  const { replayEvents } = await owner.query("mutation($input: ReplayEventsInput!) { replayEvents(input: $input) { replay { id } } }", {
    input: { filter: { eventType: "invoice.sent" }, destinationIDs: [ids.shop], reason: "The shop lost its invoices" },
  });
  ids.replay = replayEvents.replay.id;
  await eventually("the replay is complete", async () => {
    const { replay } = await owner.query("query($id: ID!) { replay(id: $id) { status } }", { id: ids.replay });
    return replay.status === "COMPLETED";
  });
  if (pictures) await traffic(owner, receivers, types, order);
  await eventually("what was counted is written", async () => {
    const { statistics } = await owner.query("{ statistics { totals { events } } }");
    return statistics.totals.events >= 66;
  });
  return { ids, receivers, admin, ownToken: corner.secretToken };
}

/** Some minutes of a shop's day: now more, now less, and now and then something fails. */
async function traffic(owner, [, , , flaky], types, order) {
  const end = Date.now() + minutes * 60_000;
  for (let n = 100; Date.now() < end; n++) {
    flaky.status = n % 37 === 0 ? 500 : 200;
    flaky.delay = 40 + 60 * Math.abs(Math.sin(n / 90));
    await owner.send(order(n), types[(n * 7) % types.length]);
    await new Promise((resolve) => setTimeout(resolve, 350 + 300 * Math.sin(n / 70) + 100 * Math.sin(n / 11)));
  }
}
