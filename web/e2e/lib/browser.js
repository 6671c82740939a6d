import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts Chromium: Debian's, or the one that CHROMIUM names. */
export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none"],
  });
}

export const wide = { width: 1360, height: 860 };
export const phone = { width: 390, height: 844 };

/**
 * Opens a window of its own. What the page complains of is kept: a refusal of the content security policy, an exception,
 * an error in the console.
 */
export async function openWindow(browser, { base, size = wide, colours = "light", cookies }) {
  const context = await browser.newContext({
    baseURL: base, viewport: size, colorScheme: colours, reducedMotion: "reduce", locale: "en-GB", timezoneId: "Europe/Berlin",
    hasTouch: size.width < 500, isMobile: size.width < 500, permissions: ["clipboard-read", "clipboard-write"],
  });
  if (cookies) await context.addCookies(cookies);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  await page.addInitScript(() =>
    addEventListener("securitypolicyviolation", ({ effectiveDirective, sourceFile, lineNumber, columnNumber, target }) =>
      console.error("refused:", effectiveDirective, sourceFile, lineNumber, columnNumber, target?.outerHTML?.slice(0, 200) ?? String(target)),
    ),
  );
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    // A refused sign-in is an answer of 401, which the browser itself reports.
    if (message.type() === "error" && !/status of (401|403)/.test(message.text())) complaints.push(message.text());
  });
  return { page, context, complaints };
}

/** Signs in with a token, as a person does. */
export async function signIn(page, token) {
  await page.goto("/sign-in");
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Main" }).or(page.getByRole("button", { name: "Menu" })).first().waitFor();
}

/** What axe finds against WCAG 2.2 AA and its best practices, in a line each. */
export async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, {
      preload: false, // it would copy style sheets into elements, which the page's policy refuses
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.map((v) => ({ id: v.id, help: v.help, nodes: v.nodes.slice(0, 4).map((n) => `${n.target.join(" ")}: ${n.failureSummary}`) }));
  });
  return found.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.join("\n    ")}`);
}

/** Whether the page is wider than its window. */
export async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Runs a part of a test; what the page looked like is kept when it fails. */
export async function watched(page, name, part) {
  try {
    return await part();
  } catch (error) {
    const dir = process.env.ARTIFACTS ?? fileURLToPath(new URL("../../../bin/artifacts", import.meta.url));
    await mkdir(dir, { recursive: true });
    await page.screenshot({ path: join(dir, `FAILED-${name.replace(/\W+/g, "-")}.png`), fullPage: true }).catch(() => {});
    throw error;
  }
}

/** Asks until the answer is right. */
export async function eventually(what, ask, patience = 30_000) {
  const end = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) assert.fail(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
