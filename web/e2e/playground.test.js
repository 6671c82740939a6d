import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { eventually, openWindow, signIn, startBrowser, watched } from "./lib/browser.js";
import { newClient, startServer } from "./lib/server.js";
import { startReceiver } from "./lib/receiver.js";

let server, browser, receiver;

before(async () => {
  [server, browser, receiver] = await Promise.all([startServer(), startBrowser(), startReceiver()]);
});

after(async () => {
  await browser?.close();
  await receiver?.stop();
  await server?.stop();
});

test("the playground's steps and its subscription, by who is signed in", { timeout: 150_000 }, async () => {
  const admin = newClient(server.url, server.adminToken);
  const { createAccount } = await admin.query(
    'mutation { createAccount(input: {name: "Corner shop", email: "other@shop.example"}) { account { id } secretToken } }',
  );
  const owner = admin.with(createAccount.secretToken);
  await owner.query("mutation($input: CreateDestinationInput!) { createDestination(input: $input) { destination { id } } }", {
    input: { accountID: createAccount.account.id, url: receiver.url, name: "Shop backend" },
  });
  const { page, context } = await openWindow(browser, { base: server.url });
  page.setDefaultTimeout(40_000); // the editor is large
  const refused = [];
  page.on("console", (message) => message.text().startsWith("refused: script") && refused.push(message.text()));
  try {
    await signIn(page, server.adminToken);
    await watched(page, "playground", async () => {
      await page.goto("/playground");
      const shows = (text) => page.locator(".graphiql-query-editor").getByText(text).first().waitFor();
      const step = async (name, text) => {
        await page.getByRole("tab", { name }).first().click();
        await shows(text);
      };
      // Right behind a change of the tab, GraphiQL still names the operation of the one before.
      const run = (done) =>
        eventually("it runs", async () => {
          await page.getByRole("button", { name: /Execute query/ }).click();
          return done.waitFor({ timeout: 3000 }).then(() => true, () => false);
        });
      const answer = page.locator(".graphiql-response");
      await shows("Step 1");
      await step(/CheckCredential/, "Step 3");
      await run(answer.getByText("ADMIN"));

      await step(/WatchDeliveries/, "WatchDeliveries");
      // A subscription tells of what happens once it has begun; one that was begun too early has ended with an error.
      await eventually("the subscription tells of a delivery", async () => {
        const begin = page.getByRole("button", { name: /Execute query/ });
        if (await begin.isVisible()) await begin.click();
        await owner.send({ order: 1 }, "order.created");
        return answer.getByText("SUCCEEDED").first().waitFor({ timeout: 1000 }).then(() => true, () => false);
      });
      await page.getByRole("button", { name: /Stop query/ }).click();

      await step(/FollowEvents/, "FollowEvents");
      await run(answer.getByText("order.created").first());

      // The others as they are prepared, with ids where they ask for one.
      const event = (await owner.query("{ events(first: 1) { edges { node { id } } } }")).events.edges[0].node.id;
      const ids = (text) => text.replaceAll("acc_...", createAccount.account.id).replaceAll("evt_...", event);
      const fill = async (text) => {
        await page.locator(".graphiql-query-editor .monaco-editor").first().click();
        await page.keyboard.press("ControlOrMeta+a");
        await page.keyboard.insertText(text);
      };
      const prepared = new URL("../playground/src/steps/", import.meta.url);
      const done = { CreateAccount: "secretToken", CreateDestination: "whsec_", LookUp: "order.created", CreateToken: "Warehouse", RotateSecretToken: "secretToken" };
      let ran = 0;
      for (const file of (await readdir(prepared)).filter((name) => name.endsWith(".graphql")).sort()) {
        const text = await readFile(new URL(file, prepared), "utf8");
        const name = text.match(/^(?:query|mutation|subscription) (\w+)/m)[1];
        if (!done[name]) continue; // above
        await step(new RegExp(name), name);
        if (ids(text) !== text) await fill(ids(text));
        await run(answer.getByText(done[name]).first());
        assert.equal(await answer.getByText('"errors"').count(), 0, `${name} is answered without errors`);
        ran++;
      }
      assert.equal(ran, Object.keys(done).length);
    });
    assert.deepEqual(refused, []);
  } finally {
    await context.close();
  }
});
