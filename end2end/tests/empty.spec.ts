// The first minutes of an installation.
import { COMMUNITY_MANAGEMENT, expect, expectAccessible, stories } from "../support/stories";

const test = stories([], async (installation) => installation.serve("--no-worker"));

test("without a connection the page says what to ask the operator for", async ({ console: page, javaScriptEnabled }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  await expect(page.getByRole("heading", { name: "No community is connected yet" })).toBeVisible();
  await expect(page.getByText("Find your tenant id")).toBeVisible();
  await expect(page.getByText(/tributary connection add --tenant-id customer-en/).first()).toBeVisible();
  if (javaScriptEnabled) await expectAccessible(page);
});

test("an empty log says so", async ({ console: page }) => {
  await page.goto(`${COMMUNITY_MANAGEMENT}?tab=activity-logs`);
  await expect(page.getByRole("heading", { name: "No community is connected yet" })).toBeVisible();
  await expect(page.getByRole("table")).toHaveCount(0);
});
