// An admin looks after accounts, sessions, tokens and the trail, and erases a person.
import { expect, expectAccessible, expectNoSidewaysScroll, stories } from "../support/stories";

const ACCOUNTS = "/administration/accounts";
const TOKENS = "/administration/api-tokens";
const AUDIT_TRAIL = "/administration/audit-trail";
const ERASE = "/administration/erase";
const YOUR_SESSIONS = "/your-sessions";

const test = stories(["customer-en:users=40,topics=10,views=10"], async (installation) => {
  await installation.connect({ id: "customer-en", name: "Customer Community" });
  await installation.sync("customer-en");
  await installation.serve("--no-worker");
});

test("an account is added, and its link makes a password in another browser", async ({ console: page, browser }) => {
  await page.goto(ACCOUNTS);
  await page.getByRole("link", { name: "Add account" }).click();
  const address = `eve-${Date.now()}@company.example`;
  await page.getByLabel("Email").fill(address);
  await page.getByLabel("CSM").check();
  await page.getByRole("button", { name: "Add the account" }).click();

  await expect(page).toHaveURL(/\/administration\/accounts\/new$/);
  await expect(page.getByText("It is not shown again.")).toBeVisible();
  const link = await page.locator(".once-secret").textContent();
  expect(link).toMatch(/\/set-up\?token=[0-9a-f]{64}$/);
  await page.getByRole("link", { name: "Back to the accounts" }).click();
  const row = page.getByRole("row").filter({ hasText: address });
  await expect(row).toContainText("No password yet");
  await page.goto(`${ACCOUNTS}/new`);
  await expect(page.locator(".once-secret")).toHaveCount(0);

  const other = await browser.newContext();
  const theirs = await other.newPage();
  await theirs.goto(link ?? "");
  await expect(theirs.getByRole("heading", { level: 1 })).toBeVisible();
  await other.close();
});

test("disabling asks first, and the last admin cannot be disabled", async ({ console: page, installation }) => {
  const address = `dan-${Date.now()}@company.example`;
  await installation.tributary("account", "add", "--email", address, "--role", "csm");
  await page.goto(ACCOUNTS);
  const row = page.getByRole("row").filter({ hasText: address });
  await row.getByRole("button", { name: `Actions for ${address}` }).click();
  await row.getByRole("link", { name: "Disable…" }).click();
  const question = page.getByRole("dialog");
  await expect(question).toContainText(`Disable ${address}?`);
  await question.getByRole("button", { name: "Disable the account" }).click();
  await expect(row).toContainText("Disabled");

  const own = page.getByRole("row").filter({ hasText: "you" });
  await own.getByRole("button", { name: /^Actions for/ }).click();
  await expect(own.getByRole("button", { name: /^Disable…/ })).toHaveAttribute("aria-disabled", "true");
  await expect(own.getByText("The last admin stays one").first()).toBeVisible();
});

test("a token is shown once and taken back", async ({ console: page }) => {
  const name = `nightly ${Date.now()}`;
  await page.goto(TOKENS);
  await page.getByRole("link", { name: "Make a token" }).first().click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Make the token" }).click();
  await expect(page.locator(".once-secret")).toHaveText(/^trb_[0-9a-f]{64}$/);
  await page.getByRole("link", { name: "Back to the tokens" }).click();
  const row = page.getByRole("row").filter({ hasText: name });
  await expect(row).toContainText("Active");
  await row.getByRole("link", { name: `Revoke the token ${name}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke the token" }).click();
  await expect(row).toContainText("Revoked");
});

test("a person is erased in two steps, with a receipt", async ({ console: page, installation }) => {
  const lines = await installation.tributary("export", "users", "--format", "ndjson");
  const emails = lines.trim().split("\n").map((line: string) => JSON.parse(line).email);
  const email = emails.find((email: string | null) => email);
  await page.goto(ERASE);
  await page.getByLabel("Email of the person").fill(email);
  await page.getByRole("button", { name: "Look what there is" }).click();
  await expect(page.getByRole("heading", { name: `Erase ${email}?` })).toBeVisible();
  expect(page.url()).not.toContain("@");
  await page.getByRole("button", { name: "Erase the person" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Receipt of an erasure");
  await expect(page.locator("body")).not.toContainText(email);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download, JSON" }).click();
  expect((await download).suggestedFilename()).toMatch(/^receipt-.*\.json$/);
});

test("the trail says who did what, and that it is whole", async ({ console: page }) => {
  await page.goto(AUDIT_TRAIL);
  await expect(page.getByText(/The chain holds up to entry/)).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: "Logged in" }).first()).toBeVisible();
  await page.getByRole("link", { name: "Read all again" }).click();
  await expect(page.getByText(/The chain holds up to entry/)).toBeVisible();
});

test("the trail is narrowed to a kind of deed, in the list and in the file", async ({ console: page }) => {
  await page.goto(AUDIT_TRAIL);
  await page.getByLabel("Did what").selectOption("Logged in");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page).toHaveURL(/deed=logged_in/);
  const rows = page.getByRole("table").getByRole("row");
  await expect(rows.filter({ hasText: "Logged in" }).first()).toBeVisible();
  await expect(rows.filter({ hasText: "Added an account" })).toHaveCount(0);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: /^Export \d+ entr(y|ies), CSV$/ }).click();
  expect((await download).suggestedFilename()).toBe("audit-trail.csv");
  await page.getByRole("link", { name: "Show all" }).click();
  await expect(page).toHaveURL(new RegExp(`${AUDIT_TRAIL}$`));
});

test("the pages have no barrier and fit a phone", async ({ console: page, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "the checker is a script");
  for (const path of [ACCOUNTS, `${ACCOUNTS}/new`, `${ACCOUNTS}/sessions`, YOUR_SESSIONS, TOKENS, `${TOKENS}/new`, AUDIT_TRAIL, ERASE]) {
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto(path);
      await expectAccessible(page);
      await expectNoSidewaysScroll(page);
    }
  }
});
