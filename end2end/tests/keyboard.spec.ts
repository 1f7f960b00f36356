// Somebody keeps their hands on the keyboard; and what else a page does by itself where scripts run.
import type { Page } from "@playwright/test";
import {
  COMMUNITY_MANAGEMENT,
  expect,
  expectAccessible,
  expectNoSidewaysScroll,
  stories,
} from "../support/stories";

const LOGS = `${COMMUNITY_MANAGEMENT}?tab=activity-logs`;
const UNIFICATION = "/administration/general/unification";
const USERS = `${UNIFICATION}/users`;

const test = stories(["customer-en:users=40,topics=5,views=5", "customer-fr:users=5"], async (installation) => {
  await installation.connect({ id: "customer-en", name: "Customer Community" });
  await installation.connect({ id: "customer-fr", name: "Communauté clients", secret: "not-the-secret" });
  for (const tenant of ["customer-en", "customer-fr", "customer-en"]) await installation.sync(tenant);
  await installation.serve("--no-worker");
});

/** The button is there as soon as keys are heard. */
async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await expect(keysButton(page)).toBeVisible();
}

const keysButton = (page: Page) => page.getByRole("button", { name: "Keyboard shortcuts" });
const keysList = (page: Page) => page.getByRole("dialog", { name: "Keyboard shortcuts" });
const focusedRow = (page: Page) => page.locator("main tbody tr:focus-within, main .cards > li:focus-within");

/** What the page is told of its session. */
async function tellSession(page: Page, endsInSeconds: number, latestInSeconds: number): Promise<void> {
  const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
  await page.route("**/rpc/session_left", (route) =>
    route.fulfill({ json: { as_of: at(0), ends_at: at(endsInSeconds), latest_end: at(latestInSeconds) } }),
  );
}

test("without scripts no page speaks of keys, and nothing is missing", async ({ console: page, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled ?? true, "it is about pages without scripts");
  await page.goto(COMMUNITY_MANAGEMENT);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(keysButton(page)).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Copy" })).toHaveCount(0);
});

test.describe("with scripts", () => {
  test.skip(({ javaScriptEnabled }) => !javaScriptEnabled, "scripts bring it");

  test("two keys lead to each page, and one does nothing in a field", async ({ console: page }) => {
    await open(page, COMMUNITY_MANAGEMENT);
    for (const [second, address] of [
      ["a", LOGS],
      ["u", UNIFICATION],
      ["d", "/customers"],
      ["c", COMMUNITY_MANAGEMENT],
    ]) {
      await page.keyboard.press("g");
      await page.keyboard.press(second);
      await expect(page).toHaveURL(address);
    }
    await open(page, "/customers");
    await expect(page.getByRole("searchbox")).toBeVisible();
    await page.keyboard.press("/");
    await expect(page.getByRole("searchbox")).toBeFocused();
    await page.keyboard.type("gc?x");
    await expect(page.getByRole("searchbox")).toHaveValue("gc?x");
    await expect(page).toHaveURL("/customers");
    await expect(keysList(page)).toBeHidden();
  });

  test("the list of keys is found without one, leads to pages, and turns single keys off for good", async ({ console: page }) => {
    await open(page, COMMUNITY_MANAGEMENT);
    await keysButton(page).click();
    await expect(keysList(page).getByRole("button", { name: "Close" })).toBeFocused();
    await expectAccessible(page);
    await page.setViewportSize({ width: 320, height: 800 });
    await expectNoSidewaysScroll(page);
    await page.setViewportSize({ width: 1280, height: 800 });
    // No other key does anything meanwhile.
    await page.keyboard.press("g");
    await page.keyboard.press("u");
    await expect(page).toHaveURL(COMMUNITY_MANAGEMENT);
    await page.keyboard.press("?");
    await expect(keysList(page)).toBeHidden();
    await expect(keysButton(page)).toBeFocused();
    await page.keyboard.press("?");
    await keysList(page).getByRole("link", { name: "Activity Logs" }).click();
    await expect(page).toHaveURL(LOGS);
    await expect(keysList(page)).toBeHidden();

    await page.keyboard.press("?");
    const single = keysList(page).getByRole("switch", { name: /Single keys/ });
    await expect(single).toBeChecked();
    await single.uncheck();
    await page.keyboard.press("Escape");
    await expect(keysList(page)).toBeHidden();
    await open(page, COMMUNITY_MANAGEMENT);
    await page.keyboard.press("?");
    await page.keyboard.press("g");
    await page.keyboard.press("u");
    await expect(keysList(page)).toBeHidden();
    await expect(page).toHaveURL(COMMUNITY_MANAGEMENT);
    await keysButton(page).click();
    await expect(keysList(page).getByRole("switch", { name: /Single keys/ })).not.toBeChecked();
  });

  test("rows are walked by j and k, opened by Enter, and runs by brackets", async ({ console: page }) => {
    await open(page, LOGS);
    const rows = page.locator("main tbody tr");
    await page.keyboard.press("j");
    await expect(rows.nth(0).getByRole("link")).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await expect(rows.nth(1).getByRole("link")).toBeFocused();
    await page.keyboard.press("k");
    await expect(focusedRow(page)).toHaveCount(1);
    await expect(rows.nth(0).getByRole("link")).toBeFocused();

    await page.keyboard.press("Enter");
    const summary = page.getByRole("dialog");
    await expect(summary.getByRole("heading", { name: "Summary" })).toBeFocused();
    await expect(summary).toContainText("customer-en");
    await page.keyboard.press("[");
    await expect(summary).toContainText("customer-fr");
    await page.keyboard.press("]");
    await expect(summary).toContainText("customer-en");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);

    const listed = page.locator(".listed time");
    const before = (await listed.getAttribute("datetime")) ?? "";
    await expect(async () => {
      await page.keyboard.press("r");
      await expect(listed).not.toHaveAttribute("datetime", before, { timeout: 1_500 });
    }).toPass();
    await page.keyboard.press("/");
    await expect(page.getByRole("link", { name: "All Activity Logs" })).toBeFocused();
  });

  test("cards are walked, too, and menus follow arrows and first letters", async ({ console: page }) => {
    await open(page, COMMUNITY_MANAGEMENT);
    await page.keyboard.press("j");
    await expect(page.locator(".cards > li").nth(0).getByRole("link", { name: /^View Activity/ })).toBeFocused();
    await page.keyboard.press("j");
    await expect(focusedRow(page)).toContainText("Customer Community");
    await page.getByRole("button", { name: "Actions for Customer Community" }).click();
    const item = (name: string | RegExp) => page.locator(".menu:popover-open .menu-item").filter({ hasText: name });
    await page.keyboard.press("ArrowDown");
    await expect(item("View Activity")).toBeFocused();
    await page.keyboard.press("End");
    await expect(item("Deactivate…")).toBeFocused();
    await page.keyboard.press("s");
    await expect(item("Sync now")).toBeFocused();
    await page.keyboard.press("Escape");
    await expect(item("Sync now")).toHaveCount(0);
  });

  test("x ticks the user whose row has the focus", async ({ console: page }) => {
    await open(page, USERS);
    await expect(page.locator("table.users tbody tr").first()).toBeVisible();
    await page.keyboard.press("x");
    await expect(page.locator("table.users").getByRole("checkbox", { checked: true })).toHaveCount(0);
    await page.keyboard.press("j");
    const box = page.locator("table.users tbody tr:focus-within").getByRole("checkbox");
    await page.keyboard.press("x");
    await expect(box).toBeChecked();
    await page.keyboard.press("x");
    await expect(box).not.toBeChecked();
  });

  test("a rule is moved again and again from where it went", async ({ console: page }) => {
    await open(page, UNIFICATION);
    const rules = page.getByRole("list", { name: "Rules, in the order in which they are tried" }).locator("> li");
    const words = (await rules.nth(0).locator(".rule-words").innerText()).trim();
    await page.keyboard.press("j");
    for (const place of [1, 2]) {
      await page.keyboard.press("Alt+ArrowDown");
      await expect(rules.nth(place).locator(".rule-words")).toContainText(words);
      await expect(keysButton(page)).toBeVisible();
      await expect(rules.nth(place).getByRole("button", { name: /^Move up/ })).toBeFocused();
    }
    await page.keyboard.press("Alt+ArrowUp");
    await expect(rules.nth(1).locator(".rule-words")).toContainText(words);
  });

  test("a command is copied by its button, which says so", async ({ console: page, context }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await open(page, COMMUNITY_MANAGEMENT);
    const failing = page.locator("ul.cards > li").filter({ has: page.getByRole("heading", { name: "Communauté clients" }) });
    await failing.getByRole("button", { name: "Copy" }).click();
    await expect(failing.getByRole("status")).toHaveText("Copied");
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toContain("tributary connection rotate customer-fr");
  });

  test("before a session ends a note says so, and a press goes on with it", async ({ console: page }) => {
    await tellSession(page, 90, 90_000);
    await open(page, "/customers");
    await page.getByRole("searchbox").fill("half a nam");
    const note = page.getByRole("dialog", { name: "Your session ends soon" });
    await expect(note).toContainText(/In 1 min \d\d s you will have to log in again/);
    // It takes no focus from whoever types.
    await expect(page.getByRole("searchbox")).toBeFocused();
    await expectAccessible(page);
    await page.unroute("**/rpc/session_left");
    const renewed = page.waitForResponse("**/rpc/stay_logged_in");
    await note.getByRole("button", { name: "Stay logged in" }).click();
    expect((await renewed).status()).toBe(200);
    await expect(note).toBeHidden();
    await expect(page.getByRole("searchbox")).toHaveValue("half a nam");
  });

  test("over an open form the note can be reached as well", async ({ console: page }) => {
    await tellSession(page, 90, 90_000);
    await open(page, UNIFICATION);
    await page.getByRole("link", { name: "Add rule" }).click();
    const form = page.getByRole("dialog", { name: "Add a rule" });
    const note = page.getByRole("dialog", { name: "Your session ends soon" });
    await note.getByRole("button", { name: "Stay logged in" }).click();
    await expect(note).toBeHidden();
    await expect(form).toBeVisible();
  });

  test("a session that is as old as it can be is only told, and its end leads to a log-in beside the page", async ({ page }) => {
    await tellSession(page, 90, 90);
    await open(page, "/customers");
    await page.getByRole("searchbox").fill("half a nam");
    const note = page.getByRole("dialog", { name: "Your session ends soon" });
    await expect(note).toContainText("What is typed on this page stays.");
    await expect(note.getByRole("button")).toHaveCount(0);
    await page.unroute("**/rpc/session_left");
    const over = { status: 401, contentType: "application/json", body: '"NotLoggedIn"' };
    await page.route("**/rpc/session_left", (route) => route.fulfill(over));
    const ended = page.getByRole("dialog", { name: "Your session is over" });
    await expect(ended.getByRole("link", { name: "Log in, in another tab" })).toHaveAttribute("target", "_blank", { timeout: 25_000 });
    await expect(page.getByRole("searchbox")).toHaveValue("half a nam");
  });

  test("a page that could not be reached is loaded as soon as the server is", async ({ page, context }) => {
    await page.clock.install();
    await open(page, COMMUNITY_MANAGEMENT);
    await context.setOffline(true);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Unification" }).click();
    await expect(page.getByText(/^Trying again (in \d+ s|now)\.$/)).toBeVisible();
    await context.setOffline(false);
    await page.clock.fastForward(21_000);
    await expect(page.getByRole("heading", { name: "Rules", exact: true })).toBeVisible();
    await expect(page.getByText(/^Trying again/)).toHaveCount(0);
  });

  test("relative times keep up", async ({ console: page }) => {
    await page.clock.install();
    await open(page, COMMUNITY_MANAGEMENT);
    const card = page.locator(".cards > li").filter({ has: page.getByRole("heading", { name: "Customer Community" }) });
    const success = card.locator("time[data-keeps-up=ago]").first();
    await expect(success).toHaveText(/ago$|^just now$/);
    await page.clock.fastForward("03:00:00");
    await page.clock.runFor(10_000);
    await expect(success).toHaveText("3 h ago");
  });
});
