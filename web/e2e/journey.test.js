import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openWindow, phone, signIn, startBrowser, violations, watched, wide } from "./lib/browser.js";
import { newClient, startServer } from "./lib/server.js";
import { startReceiver } from "./lib/receiver.js";

let server, browser;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const [name, size] of Object.entries({ wide, phone })) {
  test(`from signing in to a bulk replay, ${name}`, { timeout: 120_000 }, async () => {
    const receiver = await startReceiver();
    const { page, context, complaints } = await openWindow(browser, { base: server.url, size });
    try {
      await watched(page, `journey ${name}`, () => journey(page, receiver, name));
      assert.deepEqual(complaints, [], "the page complains of nothing");
    } finally {
      await context.close();
      await receiver.stop();
    }
  });
}

async function journey(page, receiver, name) {
  const button = (name) => page.getByRole("button", { name, exact: true });
  const go = async (place) => {
    await page.locator("#main").waitFor();
    if (await button("Menu").isVisible()) await button("Menu").click();
    await page.getByRole("link", { name: place, exact: true }).click();
  };

  // A wrong token is refused in words.
  await page.goto("/events");
  await page.waitForURL(/\/sign-in\?to=/);
  await page.getByLabel("Token").fill("nonsense");
  await button("Sign in").click();
  await page.getByText("This token is not valid").waitFor();
  await page.getByLabel("Token").fill(server.adminToken);
  await button("Sign in").click();
  await page.waitForURL(/\/events$/);

  // An account, and its secret, once.
  await go("Accounts");
  await button("New account").first().click();
  await page.getByLabel("Name").fill(`Corner shop ${name}`);
  await page.getByLabel("E-mail").fill("nonsense");
  await button("Create the account").click();
  await page.locator(".field-error").first().waitFor();
  await page.getByLabel("E-mail").fill(`${name}@shop.example`);
  await button("Create the account").click();
  const token = await secretOf(page);
  await page.getByRole("heading", { name: `Corner shop ${name}` }).waitFor();

  // A destination.
  await button("New destination").first().click();
  await page.getByLabel("URL").fill(receiver.url);
  await page.getByLabel("Name").first().fill("Shop backend");
  await button("Create the destination").click();
  assert.match(await secretOf(page), /^whsec_/);
  await page.getByRole("heading", { name: "Shop backend" }).waitFor();
  const destination = page.url();

  // An event arrives while somebody looks.
  const sender = newClient(server.url, token);
  await go("Events");
  await page.getByText("Live", { exact: true }).waitFor();
  const event = await sender.send({ order: 1, total: 12.5 }, "order.created");
  const row = page.getByRole("row", { name: /order\.created/ }).filter({ hasText: event.slice(14, 24) });
  await row.getByText("Succeeded").waitFor();

  // The destination fails, and what comes parks.
  receiver.status = 503;
  for (let n = 2; n <= 8; n++) await sender.send({ order: n }, "order.paid");
  await page.goto(destination);
  await page.locator(".page-title").getByText("Open", { exact: true }).waitFor({ timeout: 40_000 });
  await page.getByText(/deliver(y|ies) waits?; nothing is lost/).waitFor();

  // It is paused, and resumed when it is back.
  await button("More actions").first().click();
  await page.getByRole("menuitem", { name: "Pause" }).click();
  await page.getByLabel("Why").fill("Maintenance");
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.locator(".page-title").getByText("Paused", { exact: true }).waitFor();
  receiver.status = 200;
  await button("Resume").first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await page.locator(".page-title").getByText("Sending", { exact: true }).waitFor();
  await page.getByText("nothing waits").waitFor({ timeout: 40_000 });

  // One event again, with an edited payload.
  await page.goto(`/events/${event}`);
  await page.getByText("The destination has accepted it.").waitFor();
  await button("Replay…").click();
  await button("Edit").click();
  const editor = page.getByRole("textbox", { name: "The payload to send" });
  await editor.click();
  await page.keyboard.press("Control+A");
  await page.keyboard.type('{"order": 1, "total": 99');
  await page.getByText("This is not JSON yet").waitFor();
  assert.ok(await button("Replay with the edit").isDisabled());
  await page.keyboard.type("}");
  await page.getByText("Edited", { exact: true }).waitFor();
  await button("Compare").click();
  await page.getByRole("textbox", { name: "The payload to send" }).waitFor();
  assert.deepEqual(await violations(page), []);
  await button("Replay with the edit").click();
  await page.getByText("Replay of").waitFor();
  await page.getByText("The destination has accepted it.").waitFor();
  assert.equal(JSON.parse(receiver.requests.at(-1).body).total, 99);

  // All of them again, counted first.
  await go("Replays");
  await button("New replay").first().click();
  const account = page.getByRole("dialog").getByLabel("Account");
  if (await account.isVisible()) await account.selectOption({ label: `Corner shop ${name}` });
  await page.getByLabel("Events a second").fill("2");
  await button("Count what matches").click();
  await page.getByText("9 events match").waitFor();
  await button("Replay 9 events").click();
  await page.getByRole("progressbar").waitFor();
  await button("Pause").click();
  await page.locator(".page-title").getByText("Paused", { exact: true }).waitFor();
  await button("Resume").click();
  await page.locator(".page-title").getByText("Completed", { exact: true }).waitFor();
  assert.equal(await page.getByRole("progressbar").getAttribute("aria-valuetext"), "9 of 9");

  // And out again.
  if (await button("Menu").isVisible()) await button("Menu").click();
  await page.locator(".me-button").click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL(/\/sign-in/);
  await page.goto("/events");
  await page.waitForURL(/\/sign-in\?to=/);
}

/** Reads the secret that is shown once, and closes its window. */
async function secretOf(page) {
  const secret = await page.getByTestId("secret").textContent();
  await page.getByRole("button", { name: "I have kept it" }).click();
  await page.getByTestId("secret").waitFor({ state: "detached" });
  return secret;
}

test("an account's owner sees its own account alone", { timeout: 60_000 }, async () => {
  const admin = newClient(server.url, server.adminToken);
  const make = async (name) =>
    (await admin.query("mutation($input: CreateAccountInput!) { createAccount(input: $input) { account { id } secretToken } }", { input: { name, email: `${name}@example.com` } })).createAccount;
  const [own, other] = [await make("own"), await make("other")];
  const { page, context, complaints } = await openWindow(browser, { base: server.url });
  try {
    await signIn(page, own.secretToken);
    await page.getByRole("heading", { name: "own" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Accounts", exact: true }).count(), 0);
    await page.goto(`/accounts/${other.account.id}`);
    await page.getByText("There is no account with this id").waitFor();
    await page.goto("/settings");
    await page.getByText("send events, read, change").waitFor();
    assert.equal(await page.getByText("System health").count(), 0);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
});

test("whoever may only read is led to no form", { timeout: 60_000 }, async () => {
  const admin = newClient(server.url, server.adminToken);
  const { createAccount } = await admin.query(
    'mutation { createAccount(input: {name: "Reader", email: "reader@example.com"}) { account { id } secretToken } }',
  );
  const owner = admin.with(createAccount.secretToken);
  const event = await owner.send({ order: 1 }, "order.created");
  const { createToken } = await owner.query("mutation($input: CreateTokenInput!) { createToken(input: $input) { secretToken } }", {
    input: { accountID: createAccount.account.id, name: "Looks", scopes: ["READ"] },
  });
  const { page, context, complaints } = await openWindow(browser, { base: server.url });
  try {
    await signIn(page, createToken.secretToken);
    await page.goto("/events");
    await page.getByText("order.created").waitFor();
    assert.equal(await page.getByText("Replay these").count(), 0);
    await page.goto(`/events/${event}?replay=true`);
    await page.getByText("It went nowhere").waitFor();
    assert.equal(await page.getByRole("dialog").count(), 0);
    await page.goto("/replays?create=true");
    await page.getByText("Nothing was replayed in bulk yet").waitFor();
    assert.equal(await page.getByRole("dialog").count(), 0);
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("acc");
    await page.getByRole("option", { name: /^Account / }).waitFor();
    assert.equal(await page.getByRole("option", { name: /^Accounts / }).count(), 0);
    await page.goto("/accounts?create=true");
    await page.waitForURL(`**/accounts/${createAccount.account.id}`);
    await page.getByRole("heading", { name: "Reader" }).waitFor();
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
});

test("a portal link opens its account, once", { timeout: 60_000 }, async () => {
  const admin = newClient(server.url, server.adminToken);
  const { createAccount } = await admin.query(
    'mutation { createAccount(input: {name: "Portal", email: "portal@example.com"}) { account { id } } }',
  );
  const { page, context } = await openWindow(browser, { base: server.url });
  const visitor = await openWindow(browser, { base: server.url });
  try {
    await signIn(page, server.adminToken);
    await page.goto(`/accounts/${createAccount.account.id}`);
    await page.getByRole("button", { name: "Portal link" }).click();
    await page.getByRole("button", { name: "Make the link" }).click();
    const link = await secretOf(page);
    const path = new URL(link).pathname + new URL(link).hash;
    await visitor.page.goto(path);
    await visitor.page.getByRole("heading", { name: "Portal", exact: true }).waitFor();
    await visitor.page.goto(`/accounts/${createAccount.account.id}`);
    await visitor.page.getByText("portal@example.com").first().waitFor();
    assert.equal(await visitor.page.getByRole("button", { name: "New destination" }).count(), 0, "it may only read");
    await visitor.context.clearCookies();
    await visitor.page.goto("about:blank");
    await visitor.page.goto(path);
    await visitor.page.getByText("It has been used already").waitFor();
  } finally {
    await context.close();
    await visitor.context.close();
  }
});

test("what will be in a moment is shown at once, and taken back where it is not", { timeout: 60_000 }, async () => {
  const admin = newClient(server.url, server.adminToken);
  const { createAccount } = await admin.query(
    'mutation { createAccount(input: {name: "Haste", email: "haste@example.com"}) { account { id } secretToken } }',
  );
  const receiver = await startReceiver(503);
  const { page, context } = await openWindow(browser, { base: server.url });
  // The answer to a mutation is held until somebody lets it go, and is then that it failed.
  const fails = async (mutation) => {
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route("/graphql", async (route) => {
      if (!route.request().postData()?.includes(`mutation ${mutation}`)) return route.fallback();
      await held;
      await route.fulfill({ json: { errors: [{ message: "it is not to be", extensions: { code: "conflict" } }] } });
    });
    return release;
  };
  try {
    const { createDestination } = await admin.query(
      "mutation($input: CreateDestinationInput!) { createDestination(input: $input) { destination { id } } }",
      { input: { accountID: createAccount.account.id, url: receiver.url, retrySchedule: ["1h"] } },
    );
    const event = await admin.with(createAccount.secretToken).send({ order: 1 }, "order.created");
    await signIn(page, server.adminToken);
    await page.goto(`/events/${event}`);
    await page.getByText("The last attempt failed").waitFor();
    let release = await fails("RetryDelivery");
    await page.getByRole("button", { name: "Retry now" }).click();
    await page.getByText("An attempt is under way").waitFor();
    release();
    await page.getByText("It is not retried").first().waitFor();
    await page.getByText("The last attempt failed").waitFor();

    await page.goto(`/destinations/${createDestination.destination.id}`);
    await page.locator(".page-title").getByText("Sending", { exact: true }).waitFor();
    release = await fails("PauseDestination");
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByLabel("It goes on").selectOption({ label: "In an hour" });
    await page.getByLabel("Why").fill("Maintenance");
    await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
    await page.locator(".page-title").getByText("Paused", { exact: true }).waitFor();
    await page.getByText(/^Paused: Maintenance\. .*It goes on by itself in/).waitFor();
    release();
    await page.getByText("it is not to be").first().waitFor();
    await page.locator(".page-title").getByText("Sending", { exact: true }).waitFor();
  } finally {
    await context.close();
    await receiver.stop();
  }
});
