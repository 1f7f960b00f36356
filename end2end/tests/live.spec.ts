// An admin watches a run: its counts move by themselves, can be halted, and without scripts there is Refresh.
import type { Locator } from "@playwright/test";
import { COMMUNITY_MANAGEMENT, expect, expectAccessible, stories } from "../support/stories";

const test = stories(["live-en:users=9000,topics=4"], async (installation) => {
  await installation.connect({ id: "live-en", name: "Under way" });
  // A pace at which the members alone take longer than these stories.
  await installation.serve("--requests-per-minute", "60");
  await expect.poll(async () => (await installation.tributary("runs", "live-en", "--json"))[0]?.state).toBe("running");
});

/** The number of records found, in a list of counts. */
async function found(counts: Locator): Promise<number> {
  const words = await counts.getByText("Found", { exact: true }).locator("xpath=following-sibling::dd[1]").innerText();
  return Number(words.replaceAll(",", ""));
}

test("the counts of a card move while the page is looked at, until they are paused", async ({
  console: page,
  javaScriptEnabled,
}) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Under way" }) });
  await expect(card).toContainText("requests a minute");
  const before = await found(card);
  const pause = page.getByRole("button", { name: "Pause live counts" });
  if (!javaScriptEnabled) {
    await expect(pause).toHaveCount(0);
    await expect(async () => {
      await page.getByRole("link", { name: "Refresh" }).click();
      expect(await found(card)).toBeGreaterThan(before);
    }).toPass();
    return;
  }
  await expect.poll(() => found(card)).toBeGreaterThan(before);
  await expectAccessible(page);

  await pause.click();
  const goOn = page.getByRole("button", { name: "Go on with live counts" });
  await expect(goOn).toBeFocused();
  // Two answers may have been under way; after that nothing is asked any more.
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  const halted = await found(card);
  await page.clock.install();
  await page.clock.runFor(5_000);
  expect(asked).toEqual([]);
  expect(await found(card)).toBe(halted);
});

test("p halts live counts, and lets them go on", async ({ console: page, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "without scripts no count moves");
  await page.goto(COMMUNITY_MANAGEMENT);
  await expect(page.getByRole("button", { name: "Pause live counts" })).toBeVisible();
  await page.keyboard.press("p");
  await expect(page.getByRole("button", { name: "Go on with live counts" })).toBeVisible();
  await page.keyboard.press("p");
  await expect(page.getByRole("button", { name: "Pause live counts" })).toBeVisible();
});

test("counts that the server does not tell any more are shown as of when it did", async ({ page, context, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "without scripts the browser says it");
  await page.clock.install();
  await page.goto(COMMUNITY_MANAGEMENT);
  await expect(page.getByRole("button", { name: "Pause live counts" })).toBeVisible();
  await context.setOffline(true);
  const note = page.getByText(/^Shown as of \d\d:\d\d\. The console cannot reach the server\.$/);
  await expect(note).toBeVisible();
  await expect(page.getByText(/^Trying again (in \d+ s|now)\.$/)).toBeVisible();
  await expect(page.getByRole("heading", { name: "Under way" })).toBeVisible();
  await context.setOffline(false);
  await page.clock.fastForward(21_000);
  await expect(note).toBeHidden();
});

test("the Summary of a run under way moves as well, and keeps the focus where it is", async ({
  console: page,
  javaScriptEnabled,
}) => {
  test.skip(!javaScriptEnabled, "without scripts the page is loaded again, as the story of the card shows");
  await page.goto(`${COMMUNITY_MANAGEMENT}?tab=activity-logs`);
  await page.getByRole("row").filter({ hasText: "live-en" }).getByRole("link", { name: /Summary/ }).click();
  const summary = page.getByRole("dialog");
  await expect(summary.getByRole("heading", { name: "Summary" })).toBeFocused();
  await expect(summary).toContainText("requests a minute");
  const counts = summary.getByRole("region", { name: "Counts" });
  const before = await found(counts);
  const pause = summary.getByRole("button", { name: "Pause live counts" });
  await pause.focus();
  await expect.poll(() => found(counts)).toBeGreaterThan(before);
  await expect(pause).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(summary.getByRole("button", { name: "Go on with live counts" })).toBeFocused();
});
