// An admin asks for a sync, turns a connection off and on again. Each story has a connection of its own.
import { COMMUNITY_MANAGEMENT, expect, stories } from "../support/stories";

const test = stories(
  ["a-en:users=150,topics=40,views=60", "b-en:users=150,topics=40,views=60", "c-en:users=20,topics=4"],
  async (installation) => {
    await installation.connect({ id: "a-en", name: "Asked for" });
    await installation.connect({ id: "b-en", name: "Turned off and on" });
    await installation.connect({ id: "c-en", name: "Kept on" });
    for (const tenant of ["a-en", "b-en", "c-en"]) await installation.sync(tenant);
    await installation.serve();
  },
);

test("Sync now asks for a run, which then is in the log", async ({ console: page, installation }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Asked for" }) });
  await card.getByRole("button", { name: "Actions for Asked for" }).click();
  await card.getByRole("button", { name: "Sync now" }).click();
  await expect
    .poll(async () => (await installation.tributary("runs", "a-en", "--json")).map((run: any) => run.state))
    .toEqual(["completed", "completed"]);
  const [latest] = await installation.tributary("runs", "a-en", "--json");
  expect(latest.trigger).toBe("manual");
  await page.goto(`${COMMUNITY_MANAGEMENT}?tab=activity-logs`);
  await expect(page.getByRole("row").filter({ hasText: "a-en" })).toHaveCount(2);
});

test("a deactivated connection keeps its rows, is not synced, and comes back", async ({ console: page, installation }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Turned off and on" }) });
  const users = card.locator("dl.counts dd").first();
  const stored = await users.textContent();
  await card.getByRole("button", { name: "Actions for Turned off and on" }).click();
  await card.getByRole("link", { name: "Deactivate…" }).click();

  const question = page.getByRole("dialog");
  await expect(question).toContainText("Deactivate Turned off and on?");
  await expect(question).toContainText("stay in the data store");
  await question.getByRole("button", { name: "Deactivate" }).click();

  await expect(card).toContainText("Deactivated");
  await expect(card).toContainText("Syncing is off");
  await expect(users).toHaveText(stored ?? "");
  const run = installation.tributary("sync", "b-en", "--json");
  await expect(run).rejects.toThrow(/deactivated/i);

  await card.getByRole("button", { name: "Activate" }).first().click();
  await expect(card).toContainText("Healthy");
});

test("thinking better of it changes nothing", async ({ console: page }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Kept on" }) });
  await card.getByRole("button", { name: "Actions for Kept on" }).click();
  await card.getByRole("link", { name: "Deactivate…" }).click();
  await page.getByRole("dialog").getByRole("link", { name: "Keep it active" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(card).toContainText("Healthy");
});
