// An admin sees what a run waits for, and stops one that waits and one that is under way.
import { COMMUNITY_MANAGEMENT, expect, expectAccessible, stories } from "../support/stories";

const test = stories(["first-en:users=9000,topics=4", "second-en:users=20,topics=4"], async (installation) => {
  await installation.connect({ id: "first-en", name: "Under way" });
  // One place, and a pace at which the first one takes more than a minute.
  await installation.serve("--concurrent-runs", "1", "--requests-per-minute", "60");
  await expect.poll(() => stateOf(installation, "first-en")).toBe("running");
  await installation.connect({ id: "second-en", name: "Waiting" });
  await expect.poll(() => stateOf(installation, "second-en"), { timeout: 15_000 }).toBe("queued");
});

async function stateOf(installation: any, tenant: string): Promise<string | undefined> {
  const [latest] = await installation.tributary("runs", tenant, "--json");
  return latest?.state;
}

test("a run that waits tells its place, and both it and the one under way can be cancelled", async ({
  console: page,
  installation,
  javaScriptEnabled,
}) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  const card = (name: string) => page.getByRole("listitem").filter({ has: page.getByRole("heading", { name, exact: true }) });
  const waiting = card("Waiting");
  await expect(waiting).toContainText("Queued");
  await expect(waiting).toContainText("Place 1 of 1, starts about now. All places are taken.");
  await expect(card("Under way")).toContainText("requests a minute");
  if (javaScriptEnabled) await expectAccessible(page);

  await waiting.getByRole("button", { name: "Cancel the run" }).click();
  await expect(waiting).not.toContainText("Queued");
  await expect.poll(() => stateOf(installation, "second-en")).toBe("cancelled");

  await card("Under way").getByRole("button", { name: "Cancel the run" }).click();
  await expect.poll(() => stateOf(installation, "first-en")).toBe("cancelled");
  await page.goto(`${COMMUNITY_MANAGEMENT}?tab=activity-logs`);
  const row = page.getByRole("row").filter({ hasText: "first-en" });
  await expect(row).toContainText("by an admin at");
  await expect(row).toContainText("are kept; the next run reads them again.");
  await row.getByRole("link", { name: /Summary/ }).click();
  await expect(page.getByText(/^Cancelled by an admin\. .* are kept; the next run reads them again\.$/)).toBeVisible();
});
