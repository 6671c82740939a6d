import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, openWindow, signIn, startBrowser, watched } from "./lib/browser.js";
import { newClient, startServer } from "./lib/server.js";
import { startReceiver } from "./lib/receiver.js";

let server, browser, receiver, admin;

before(async () => {
  [server, browser, receiver] = await Promise.all([startServer(), startBrowser(), startReceiver()]);
  admin = newClient(server.url, server.adminToken);
});

after(async () => {
  await browser?.close();
  await receiver?.stop();
  await server?.stop();
});

/** Makes an account with so many destinations. */
async function shop(name, destinations = 1) {
  const { createAccount } = await admin.query("mutation($input: CreateAccountInput!) { createAccount(input: $input) { account { id } secretToken } }", {
    input: { name, email: `${name}@example.com` },
  });
  const owner = admin.with(createAccount.secretToken);
  const ids = [];
  for (let n = 1; n <= destinations; n++) {
    const { createDestination } = await owner.query(
      "mutation($input: CreateDestinationInput!) { createDestination(input: $input) { destination { id } } }",
      { input: { accountID: createAccount.account.id, url: receiver.url, name: `${name} ${n}` } },
    );
    ids.push(createDestination.destination.id);
  }
  return { account: createAccount.account.id, token: createAccount.secretToken, owner, destinations: ids };
}

const succeeded = (owner, n) =>
  eventually("it is delivered", async () => (await owner.query("{ deliveries(where: {status: SUCCEEDED}) { totalCount } }")).deliveries.totalCount === n);

/** A window of somebody who is signed in. */
async function visit(token, name, part) {
  const { page, context, complaints } = await openWindow(browser, { base: server.url });
  try {
    await signIn(page, token);
    await watched(page, name, () => part(page));
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}

test("what the list shows is what is replayed", { timeout: 60_000 }, async () => {
  const { token, owner } = await shop("replays");
  await owner.send({ order: 1 }, "order.created");
  await succeeded(owner, 1);
  const between = new Date().toISOString();
  await owner.send({ order: 2 }, "order.created");
  await owner.send({ order: 3 }, "order.paid");
  await succeeded(owner, 3);
  await visit(token, "replay these", async (page) => {
    const button = page.getByRole("button", { name: "Replay these" });
    const form = page.getByRole("dialog");
    const asked = async (search, time, n) => {
      await page.goto(`/events${search}`);
      await button.click();
      assert.equal(await form.getByLabel("Accepted").inputValue(), time, `${search}: the time`);
      await form.getByRole("button", { name: "Count what matches" }).click();
      await form.getByText(n === 1 ? "1 event matches" : `${n} events match`).waitFor();
    };
    await asked("", "any", 3);
    await asked("?from=1h&type=order.created&status=SUCCEEDED", "1h", 2);
    assert.equal(await form.getByLabel("Type").inputValue(), "order.created");
    assert.ok(await form.getByLabel("Succeeded").isChecked());
    await asked(`?to=${between}`, "given", 1);
    await asked(`?from=${between}`, "given", 2);
    await asked(`?from=24h&to=${between}`, "given", 1);

    // What a replay cannot be asked for is not offered, and the button says why.
    for (const [search, why] of [["?q=evt_1", /own page/], ["?type=order.*", /one type/], ["?replay=rpl_1", /another one/]]) {
      await page.goto(`/events${search}`);
      await button.waitFor();
      assert.equal(await button.getAttribute("aria-disabled"), "true", search);
      assert.match(await button.getAttribute("aria-description"), why);
      await button.focus();
      await page.keyboard.press("Enter");
      assert.equal(new URL(page.url()).pathname, "/events");
    }
  });
});

test("what is given can be chosen, however many there are", { timeout: 60_000 }, async () => {
  const { account, owner, destinations } = await shop("choices", 2);
  await owner.send({ order: 1 }, "order.created");
  await succeeded(owner, 2);
  await visit(server.adminToken, "choices", async (page) => {
    await page.route("/graphql", async (route) => {
      if (!route.request().postData()?.includes("query ReplayChoices")) return route.fallback();
      const { data } = await (await route.fetch()).json();
      const less = ({ edges }, id) => ({ totalCount: 250, edges: edges.filter(({ node }) => node.id !== id) });
      await route.fulfill({ json: { data: { accounts: less(data.accounts, account), destinations: less(data.destinations, destinations[1]) } } });
    });
    await page.goto(`/events?destination=${destinations[1]}`);
    await page.getByRole("button", { name: "Replay these" }).click();
    const form = page.getByRole("dialog");
    await form.getByText(/The first \d+ of 250/).first().waitFor();
    assert.equal(await form.getByLabel("Account").locator("option:checked").textContent(), "choices");
    assert.equal(await form.getByLabel("Went to").locator("option:checked").textContent(), "choices 2");
    await form.getByRole("button", { name: "Count what matches" }).click();
    await form.getByText("1 event matches").waitFor();
  });
});

test("of very many deliveries and attempts it is said how many are shown", { timeout: 60_000 }, async () => {
  const { token, owner, destinations } = await shop("many", 26);
  const event = await owner.send({ order: 1 }, "order.created");
  await succeeded(owner, 26);
  await visit(token, "many", async (page) => {
    await page.goto("/events");
    await page.getByRole("row", { name: /order\.created/ }).getByText("25 of 26").waitFor();

    let asked = 0;
    await page.route("/graphql", async (route) => {
      const text = route.request().postData() ?? "";
      const { data } = text.includes("query Event(") || text.includes("query DeliveryAttempts") ? await (await route.fetch()).json() : {};
      if (!data) return route.fallback();
      if (data.event) {
        data.event.deliveries.totalCount = 230;
        for (const { node } of data.event.deliveries.edges) node.attemptCount = 60;
      } else {
        asked++;
        const [{ node }] = data.delivery.attempts.edges;
        data.delivery.attempts = { totalCount: 60, edges: Array.from({ length: 50 }, (_, i) => ({ node: { ...node, id: `att_${i}`, number: i + 11 } })) };
      }
      await route.fulfill({ json: { data } });
    });
    await page.goto(`/events/${event}`);
    await page.getByText("The newest 50 of 60 attempts.").waitFor();
    await page.getByText("The first 26 of 230.").waitFor();
    const before = asked;
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.equal(asked, before, "what is there is not asked for again and again");
    assert.equal(destinations.length, 26);
  });
});

test("where the server has left something out, the list is right all the same", { timeout: 60_000 }, async () => {
  const { token, owner, destinations } = await shop("skipped");
  const input = { destinationID: destinations[0] };
  await owner.query("mutation($input: PauseDestinationInput!) { pauseDestination(input: $input) { destination { id } } }", { input });
  await owner.send({ order: 1 }, "order.created");
  await visit(token, "skipped", async (page) => {
    let holding = false;
    const held = [];
    await page.routeWebSocket(/\/graphql$/, (socket) => {
      socket.connectToServer().onMessage((text) => {
        if (holding && JSON.parse(text).payload?.data?.deliveryUpdated) held.push([socket, JSON.parse(text)]);
        else socket.send(text);
      });
    });
    await page.goto("/events");
    const row = page.getByRole("row", { name: /order\.created/ });
    await row.getByText("Parked").waitFor();
    await page.getByText("Live", { exact: true }).waitFor();
    holding = true;
    await owner.query("mutation($input: ResumeDestinationInput!) { resumeDestination(input: $input) { destination { id } } }", { input });
    await succeeded(owner, 1);
    await eventually("its last change would be told", () => held.some(([, { payload }]) => payload.data.deliveryUpdated.delivery.status === "SUCCEEDED"));
    assert.ok(await row.getByText("Parked").isVisible());

    // The next that is told is another event's, and says that some were left out.
    const [socket, message] = held.at(-1);
    const told = message.payload.data.deliveryUpdated;
    told.skipped = held.length;
    told.delivery = { ...told.delivery, id: "dlv_01AN4Z07BY79KA1307SR9X4MV3", eventID: "evt_01AN4Z07BY79KA1307SR9X4MV3" };
    socket.send(JSON.stringify(message));
    await row.getByText("Succeeded").waitFor();
  });
});

test("what comes while the list is asked for is not lost", { timeout: 60_000 }, async () => {
  const { token, owner } = await shop("crossed");
  await visit(token, "crossed", async (page) => {
    let answered = false;
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route("/graphql", async (route) => {
      if (!route.request().postData()?.includes("query Events(")) return route.fallback();
      const response = await route.fetch();
      answered = true;
      await held;
      await route.fulfill({ response });
    });
    await page.goto("/events");
    await page.getByText("Live", { exact: true }).waitFor();
    await eventually("the list is answered without it", () => answered);
    await owner.send({ order: 1 }, "order.created");
    await succeeded(owner, 1);
    await page.waitForTimeout(1000); // for what is told
    release();
    await page.getByRole("row", { name: /order\.created/ }).getByText("Succeeded").waitFor();
  });
});
