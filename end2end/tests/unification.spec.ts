// An admin sees who has no company and why, ties a domain, changes the rules with a preview, and takes it back.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Installation } from "../support/installation";
import { expect, expectAccessible, expectNoSidewaysScroll, stories } from "../support/stories";

const UNIFICATION = "/administration/general/unification";
const USERS = `${UNIFICATION}/users`;

type User = { email: string | null; company_custom: string | null; community_user_id: string; match_status: string };

async function users(installation: Installation): Promise<User[]> {
  const text: string = await installation.tributary("export", "users", "--tenant", "customer-en", "--format", "ndjson");
  return text
    .split("\n")
    .filter((line) => line.length > 0)
    .map((line) => JSON.parse(line));
}

/** Some addresses are written in capitals. */
const isOf = (domain: string) => (user: User) => user.email?.toLowerCase().endsWith(`@${domain}`);

/** A company without a domain for the address of one member, so that no rule names it until its domain is added. */
const test = stories(["customer-en:users=80,topics=5,views=5"], async (installation) => {
  await installation.connect({ id: "customer-en", name: "Customer Community" });
  await installation.sync("customer-en");
  const file = join(installation.folder, "companies.csv");
  await writeFile(file, "external_id,name,domains,parent_external_id\nC-1,Halden Freight,nowhere.example,\n");
  await installation.tributary("company", "import", file);
  await installation.serve();
});

test("failed users are told by cause, and a company with their domain ties them", async ({ console: page, installation, javaScriptEnabled }) => {
  await page.goto(USERS);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Unification");
  await expect(page.getByRole("table")).toContainText("customer-en");
  const group = page.locator(".groups li").filter({ hasText: "no company has this domain" }).first();
  const sentence = (await group.locator("span").first().textContent()) ?? "";
  const domain = /of (\S+):/.exec(sentence)?.[1] ?? "";
  expect(domain, sentence).not.toBe("");
  await group.locator("summary").click();
  const create = group.locator("form").filter({ has: page.getByRole("button", { name: "Create company" }) });
  await create.getByLabel("Its external id").fill(javaScriptEnabled ? "C-on" : "C-off");
  await create.getByRole("button", { name: "Create company" }).click();

  await expect(page.getByRole("heading", { level: 1 })).not.toHaveText("Unification");
  await expect(page.locator(".lead")).toContainText(domain);
  await expect
    .poll(async () => (await users(installation)).filter((user) => user.email?.endsWith(`@${domain}`)).map((user) => user.match_status))
    .not.toContain("unmatched");
  await page.reload();
  await expect(page.getByRole("table", { name: "Members who are tied to this company" })).toContainText(`@${domain}`);
});

test("one ticket of a filter is downloaded, and its users carry it until a rule ties them", async ({ console: page, installation, javaScriptEnabled }) => {
  await page.goto(USERS);
  await page.locator(".users-causes").first().getByRole("link", { name: /^Domain belongs to no company/ }).click();
  const group = page.locator(".groups li").first();
  const domain = /of (\S+):/.exec((await group.locator("span").first().textContent()) ?? "")?.[1] ?? "";
  expect(domain).not.toBe("");
  await page.getByRole("searchbox", { name: "Domain" }).fill(domain);
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(page.getByRole("link", { name: `Do not narrow to: ${domain}` })).toBeVisible();

  await page.getByRole("group", { name: "Selection" }).getByRole("link", { name: /^All \d+/ }).click();
  await expect(page.getByRole("group", { name: "Selection" })).toContainText(/\d+ users? selected, every user/);
  await page.getByRole("button", { name: "Create one ticket" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^T-\d+: \d+ users? without a company$/);
  const reference = /T-\d+/.exec((await page.getByRole("heading", { level: 1 }).textContent()) ?? "")?.[0] ?? "";
  await expect(page.getByRole("region", { name: "The text" })).toContainText(`# ${reference}: `);
  await expect(page.getByRole("link", { name: "Write a mail" })).toHaveAttribute("href", /^mailto:\?subject=T-/);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: /^Download \d+ users?, CSV$/ }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`${reference}.csv`);
  if (javaScriptEnabled) await expectAccessible(page);

  const filtered = `${USERS}?cause=domain_unknown&domain=${domain}`;
  await page.goto(filtered);
  await expect(page.locator("table.users tbody tr").first()).toContainText(reference);
  await page.locator("table.users tbody th a").first().click();
  await expect(page.locator(".standing-line")).toContainText(`in ticket ${reference}`);

  // People who are known by the id that the community gave them; a rule that is added compares the two.
  const ids = (await users(installation)).filter(isOf(domain)).map((user) => user.community_user_id);
  const file = join(installation.folder, `people-of-${reference}.csv`);
  const people = ids.map((id) => `${id},,,,,C-1,true`);
  await writeFile(file, ["external_id,email,first_name,last_name,phone,company_external_id,active", ...people, ""].join("\n"));
  await installation.tributary("person", "import", file);
  await page.goto(UNIFICATION);
  await page.getByRole("link", { name: "Add rule" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Condition 1", { exact: true }).selectOption({ label: "Community user id is exactly a person's external id" });
  await form.getByRole("button", { name: "Save into the draft" }).click();
  await page.getByRole("link", { name: "Preview the draft" }).click();
  await page.getByRole("button", { name: /^Apply to \d+ users?$/ }).click();
  await expect(page.getByText(/Version \d+ is applied/)).toBeVisible();
  const left = async () => (await installation.tributary("failed", "--domain", domain, "--json")).members;
  await expect.poll(left).toBe(0);
  await page.goto(filtered);
  await expect(page.getByRole("heading", { name: /^No user / })).toBeVisible();
  await page.goto(`${UNIFICATION}/tickets`);
  await expect(page.getByRole("row").filter({ hasText: reference }).getByRole("cell").nth(2)).toHaveText("0");
  // As it was, for the other stories; whoever has matched carries no ticket any more.
  await page.goto(UNIFICATION);
  await page.locator(".history").getByRole("link", { name: /^Undo/ }).click();
  await page.getByRole("button", { name: /^Apply to/ }).click();
  await expect(page.getByText(/Version \d+ is applied/)).toBeVisible();
  await expect.poll(left).toBeGreaterThan(0);
  await page.goto(filtered);
  await expect(page.locator("table.users")).not.toContainText(reference);
});

test("users who are ticked one by one make a ticket, and none makes none", async ({ console: page }) => {
  await page.goto(USERS);
  await page.getByRole("button", { name: "Create one ticket" }).click();
  await expect(page.getByText("No user is selected.")).toBeVisible();
  await page.goto(USERS);
  const boxes = page.locator("table.users").getByRole("checkbox");
  await boxes.nth(0).check();
  await boxes.nth(2).check();
  await page.getByRole("button", { name: "Create one ticket" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^T-\d+: 2 users without a company$/);
});

test("a draft is previewed, applied and undone, and the history keeps all of it", async ({ console: page }) => {
  await page.goto(UNIFICATION);
  await page.getByRole("button", { name: "Actions for: Full name equals a person's full name" }).click();
  const [before] = await page.locator(".history tbody th").allTextContents();
  await page.getByRole("button", { name: /Switch (on|off)/ }).click();
  await expect(page.getByText("Draft, 1 change")).toBeVisible();
  await page.getByRole("link", { name: "Preview the draft" }).click();
  await expect(page.getByRole("button", { name: /^Apply to \d+ users$/ })).toBeVisible();
  await page.getByRole("button", { name: /^Apply to/ }).click();
  await expect(page.getByText(/Version \d+ is applied/)).toBeVisible();
  const [after] = await page.locator(".history tbody th").allTextContents();
  expect(after).not.toBe(before);

  await page.locator(".history").getByRole("link", { name: /^Undo/ }).click();
  await expect(page.getByText(/These are the rules of version \d+/)).toBeVisible();
  await page.getByRole("button", { name: /^Apply to/ }).click();
  await expect(page.getByText(/Version \d+ is applied/)).toBeVisible();
});

test("a rule is added as a form, and a rule without a condition is refused", async ({ console: page }) => {
  await page.goto(UNIFICATION);
  await page.getByRole("link", { name: "Add rule" }).click();
  const form = page.getByRole("dialog");
  await form.getByRole("button", { name: "Save into the draft" }).click();
  await expect(page.getByText("A rule needs at least one condition.")).toBeVisible();
  await page.goto(`${UNIFICATION}?open=new-rule`);
  await form.getByLabel("Condition 1", { exact: true }).selectOption({ label: "Company name equals, without legal forms, a company's name" });
  await form.getByRole("button", { name: "Save into the draft" }).click();
  await expect(page.locator(".rule.changed")).toContainText("Company name");
  await page.getByRole("link", { name: "Discard draft" }).click();
  await expect(page.locator(".rule.changed")).toHaveCount(0);
});

test("two admins at once: the second is told, and nothing is overwritten", async ({ console: page, context }) => {
  await page.goto(UNIFICATION);
  await page.getByRole("button", { name: "Move down: Email is exactly a person's email" }).click();
  await page.getByRole("link", { name: "Preview the draft" }).click();
  await expect(page.getByRole("button", { name: /^Apply to/ })).toBeVisible();
  const other = await context.newPage();
  await other.goto(UNIFICATION);
  await other.getByRole("button", { name: "Move down: Email domain is one of a company's domains" }).click();
  await other.getByRole("link", { name: "Preview the draft" }).click();
  await other.getByRole("button", { name: /^Apply to/ }).click();
  await expect(other.getByText(/Version \d+ is applied/)).toBeVisible();
  await page.getByRole("button", { name: /^Apply to/ }).click();
  await expect(page.getByText("The rules have changed meanwhile")).toBeVisible();
  // As it was, for the other stories.
  await other.locator(".history").getByRole("link", { name: /^Undo/ }).click();
  await other.getByRole("button", { name: /^Apply to/ }).click();
  await expect(other.getByText(/Version \d+ is applied/)).toBeVisible();
});

test("a member's page says what each rule came to, and a link by hand stands", async ({ console: page, installation }) => {
  const someone = (await users(installation)).find((user) => user.match_status === "unmatched");
  await page.goto(`${UNIFICATION}/member?tenant=customer-en&user=${someone?.community_user_id}`);
  await expect(page.locator(".why > li")).toHaveCount(5);
  const link = page.locator("form").filter({ has: page.getByRole("button", { name: "Link to this company" }) });
  await link.getByLabel("Company").fill("C-1");
  await link.getByLabel("Reason").fill("They told us");
  await link.getByRole("button").click();
  await expect(page.getByText("Decided by hand; no rule overwrites it.")).toBeVisible();
  await expect(page.getByRole("link", { name: "Halden Freight" })).toBeVisible();
  await page.goto(`${UNIFICATION}/links`);
  const row = page.getByRole("row").filter({ hasText: "They told us" }).first();
  await expect(row).toContainText("Halden Freight");
  await row.getByRole("button", { name: /^Leave .* to the rules$/ }).click();
  await page.goto(`${UNIFICATION}/member?tenant=customer-en&user=${someone?.community_user_id}`);
  await expect(page.locator(".standing-line")).toContainText("Without a company");
});

test("a user whose mail came back has left, if the rules say so, until an admin knows better", async ({ console: page, installation }) => {
  const someone = (await users(installation)).find((user) => user.email?.includes("@") && user.match_status === "unmatched");
  const file = join(installation.folder, "bounces.csv");
  await writeFile(file, `email,bounced_at\n${someone?.email},2026-01-05T08:00:00Z\n`);
  await installation.tributary("member", "bounces", file);
  await page.goto(`${UNIFICATION}?open=lists`);
  await page.getByLabel("Mail to their address came back").check();
  await page.getByRole("button", { name: "Save into the draft" }).click();
  await page.getByRole("link", { name: "Preview the draft" }).click();
  await page.getByRole("button", { name: /^Apply to/ }).click();
  await expect(page.getByText(/Version \d+ is applied/)).toBeVisible();
  await page.goto(`${UNIFICATION}/member?tenant=customer-en&user=${someone?.community_user_id}`);
  await expect
    .poll(async () => {
      await page.reload();
      return page.locator(".standing-line").textContent();
    })
    .toContain("left");
  await page.getByRole("button", { name: "Count the member again" }).click();
  await expect(page.locator(".standing-line")).not.toContainText("left");
  // As it was, for the other stories.
  await page.goto(UNIFICATION);
  await page.locator(".history").getByRole("link", { name: /^Undo/ }).click();
  await page.getByRole("button", { name: /^Apply to/ }).click();
  await expect(page.getByText(/Version \d+ is applied/)).toBeVisible();
});

test("companies are looked up by part of their name", async ({ console: page }) => {
  await page.goto("/customers");
  await page.getByRole("searchbox").fill("halden");
  await page.getByRole("button", { name: "Look up" }).click();
  await page.getByRole("link", { name: "Halden Freight" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Halden Freight");
  await expect(page.getByText("Compared with the 30 days before.")).toBeVisible();
  await page.getByRole("link", { name: "90 days" }).click();
  await expect(page.getByText("Compared with the 90 days before.")).toBeVisible();
});

test("nobody is kept out: keyboard, screen reader, dark, small and narrow", async ({ console: page, installation, javaScriptEnabled }) => {
  // Twelve pages in two schemes.
  test.slow();
  const [someone] = await users(installation);
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const path of [
      UNIFICATION,
      `${UNIFICATION}?open=new-rule`,
      `${UNIFICATION}?open=lists`,
      `${UNIFICATION}?restore=1&preview=yes`,
      USERS,
      `${USERS}?select=all`,
      `${UNIFICATION}/tickets`,
      `${UNIFICATION}/links`,
      `${UNIFICATION}/member?tenant=customer-en&user=${someone.community_user_id}`,
      "/customers",
      "/customers/company?id=C-1",
      "/customers/new",
    ]) {
      await page.setViewportSize({ width: 1440, height: 1000 });
      await page.goto(path);
      if (javaScriptEnabled) await expectAccessible(page);
      for (const width of [390, 320]) {
        await page.setViewportSize({ width, height: 800 });
        await expectNoSidewaysScroll(page);
      }
    }
  }
});
