// An admin looks at what the syncs brought, without changing anything.
import { COMMUNITY_MANAGEMENT, expect, expectAccessible, expectNoSidewaysScroll, stories } from "../support/stories";

const test = stories(
  [
    "customer-en:users=640,topics=180,views=900",
    "customer-de:users=310,topics=90,views=400",
    "partners-es:users=200,topics=60,views=300,broken=40",
    "customer-fr:users=100",
  ],
  async (installation) => {
    await installation.connect({ id: "customer-en", name: "Customer Community" });
    await installation.connect({ id: "customer-de", name: "Kunden-Community" });
    await installation.connect({ id: "partners-es", name: "Comunidad de socios" });
    await installation.connect({ id: "customer-fr", name: "Communauté clients", secret: "not-the-secret" });
    for (const tenant of ["customer-en", "customer-de", "partners-es", "customer-fr"]) await installation.sync(tenant);
    await installation.serve("--no-worker");
  },
);

const grouped = (count: number) => count.toLocaleString("en-GB");

test("the start leads to Community Management, under Administration and General", async ({ console: page }) => {
  await page.goto("/");
  await expect(page).toHaveURL(new RegExp(`${COMMUNITY_MANAGEMENT}$`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Community Management");
  const navigation = page.getByRole("navigation", { name: "Main" });
  await expect(navigation).toContainText("Administration");
  await expect(navigation).toContainText("General");
  await expect(navigation.getByRole("link", { name: /Community Management/ })).toHaveAttribute("aria-current", "page");
});

test("each connection is a card whose counts are the tenant's own", async ({ console: page, installation }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  for (const [tenant, name] of [
    ["customer-en", "Customer Community"],
    ["customer-de", "Kunden-Community"],
    ["partners-es", "Comunidad de socios"],
  ]) {
    const truth = await installation.truth(tenant);
    const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
    await expect(card).toContainText(tenant);
    for (const [label, stream] of [
      ["Users", "users"],
      ["Topics", "topics"],
      ["Replies", "replies"],
      ["Categories", "categories"],
      ["Idea statuses", "idea_statuses"],
      ["Views", "activity"],
    ]) {
      const count = card.locator("dl.counts > div").filter({ has: page.getByText(label, { exact: true }) });
      await expect(count.locator("dd"), `${tenant}: ${label}`).toHaveText(grouped(truth[stream].valid));
    }
  }
});

test("a failing connection says why, whose turn it is and what to do", async ({ console: page }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  const cards = page.locator("ul.cards > li");
  const worst = cards.first();
  await expect(worst.getByRole("heading")).toHaveText("Communauté clients");
  await expect(worst).toContainText("Failing");
  await expect(worst).toContainText("refused the client secret (401)");
  await expect(worst).toContainText("Your turn");
  await expect(worst).toContainText("tributary connection rotate customer-fr");
  await expect(page.getByRole("navigation", { name: "Main" })).toContainText("1");
});

test("too many invalid records ask for attention and lead to them", async ({ console: page }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Comunidad de socios" }) });
  await expect(card).toContainText("Attention");
  await card.getByRole("link", { name: /See the \d+ records/ }).click();
  await expect(page.getByRole("dialog")).toContainText("Invalid records, by reason");
});

test("Sync Users Data is on and cannot be turned off, and says why", async ({ console: page }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  const locked = page.getByRole("switch", { name: "Sync Users Data" }).first();
  await expect(locked).toBeChecked();
  await expect(locked).toHaveAttribute("aria-disabled", "true");
  await locked.focus();
  await expect(locked).toBeFocused();
  await page.keyboard.press("Space");
  await expect(locked).toBeChecked();
  await page.getByRole("button", { name: "Why Sync Users Data is always on" }).first().click();
  await expect(page.getByText("Topics, replies and views only mean something")).toBeVisible();
});

test("the schedule is shown and cannot be changed", async ({ console: page }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  await expect(page.getByText(/Daily at \d\d:\d\d UTC, set by the system/).first()).toBeVisible();
  await expect(page.locator("main input:not([type=hidden]), main select, main textarea")).toHaveCount(0);
});

test("View Activity opens the log of that connection, and all logs are one link away", async ({ console: page }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  await page.getByRole("link", { name: "View Activity of Kunden-Community" }).click();
  await expect(page).toHaveURL(/tab=activity-logs/);
  await expect(page).toHaveURL(/connection=[0-9a-f-]{36}/);
  await expect(page.getByRole("table")).toContainText("Complete");
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await page.getByRole("link", { name: "All Activity Logs" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(4);
  await expect(page.getByRole("table")).toContainText("at Connect, 1 of 9");
  await expect(page.getByRole("searchbox")).toHaveCount(0);
});

test("Refresh lists the runs again", async ({ console: page }) => {
  await page.goto(`${COMMUNITY_MANAGEMENT}?tab=activity-logs`);
  const listed = page.locator("time").filter({ hasText: /^\d\d:\d\d:\d\d$/ }).first();
  const before = await listed.getAttribute("datetime");
  await expect(async () => {
    await page.getByRole("link", { name: "Refresh" }).click();
    await expect(listed).not.toHaveAttribute("datetime", before ?? "", { timeout: 1_500 });
  }).toPass();
  await expect(page.locator("tbody tr")).toHaveCount(4);
});

test("the Summary shows the whole ledger, and it adds up", async ({ console: page, installation }) => {
  const [latest] = await installation.tributary("runs", "partners-es", "--json");
  await page.goto(`${COMMUNITY_MANAGEMENT}?tab=activity-logs`);
  const row = page.getByRole("row").filter({ hasText: "partners-es" });
  await row.getByRole("link", { name: /Summary/ }).click();
  const summary = page.getByRole("dialog");
  await expect(summary).toContainText("The counts add up");
  const rows: Record<string, string> = {
    users: "Users",
    topics: "Topics",
    replies: "Replies",
    categories: "Categories",
    idea_statuses: "Idea statuses",
    activity: "Views",
  };
  for (const stream of latest.streams) {
    const cells = summary.getByRole("row", { name: new RegExp(`^${rows[stream.stream]}`) }).getByRole("cell");
    const shown = (await cells.allTextContents()).map((text) => text.trim());
    for (const count of [stream.found, stream.new, stream.updated, stream.unchanged, stream.invalid])
      expect(shown, stream.stream).toContain(grouped(count));
    expect(stream.found).toBe(stream.new + stream.updated + stream.unchanged + stream.invalid + stream.repeated);
  }
});

test("invalid records are told by reason, each with what the provider served", async ({ console: page, installation }) => {
  const [latest] = await installation.tributary("runs", "partners-es", "--json");
  await page.goto(`${COMMUNITY_MANAGEMENT}?tab=activity-logs&run=${latest.id}`);
  const summary = page.getByRole("dialog");
  await summary.getByRole("link", { name: /^See all/ }).first().click();
  await expect(page).toHaveURL(/reason=/);
  await expect(summary.locator("pre").first()).toContainText("{");
});

test("closing the Summary leads back to the list", async ({ console: page, installation, javaScriptEnabled }) => {
  const [latest] = await installation.tributary("runs", "customer-de", "--json");
  await page.goto(`${COMMUNITY_MANAGEMENT}?tab=activity-logs&run=${latest.id}`);
  await expect(page.getByRole("dialog")).toBeVisible();
  if (javaScriptEnabled) {
    // Until the page is awake, Esc has no one to hear it.
    await expect(async () => {
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog")).toHaveCount(0, { timeout: 500 });
    }).toPass();
  } else {
    await page.getByRole("dialog").getByRole("link", { name: /close/i }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
  await expect(page).not.toHaveURL(/run=/);
});

test("an address that leads nowhere says so, inside the frame", async ({ page }) => {
  const answer = await page.goto("/administration/nowhere");
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole("navigation", { name: "Main" })).toBeVisible();
});

test("nobody is kept out: keyboard, screen reader, dark, small and narrow", async ({ console: page, installation, javaScriptEnabled }) => {
  const [latest] = await installation.tributary("runs", "partners-es", "--json");
  const { connection_id } = latest;
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const query of [
      "",
      "?tab=activity-logs",
      `?tab=activity-logs&run=${latest.id}`,
      `?confirm=deactivate&connection=${connection_id}`,
    ]) {
      await page.setViewportSize({ width: 1440, height: 1000 });
      await page.goto(COMMUNITY_MANAGEMENT + query);
      if (javaScriptEnabled) await expectAccessible(page);
      for (const width of [390, 320]) {
        await page.setViewportSize({ width, height: 800 });
        await expectNoSidewaysScroll(page);
      }
    }
  }
});

test("the first stop of the keyboard skips the navigation", async ({ console: page }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: /skip/i })).toBeFocused();
});
