// People sign on at an identity provider that is nobody's mock: `oidc-provider`, on loopback.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BrowserContext, Page } from "@playwright/test";
import type { Installation } from "../support/installation";
import { expect, expectAccessible, expectNoSidewaysScroll, NOBODY, stories } from "../support/stories";

const VERA = "vera@company.example";
const UMA = "uma@company.example";

const test = stories([], async (installation) => {
  // Both have an account from before, and their address at the provider.
  await installation.addAccount(VERA, "csm");
  await installation.addAccount(UMA, "csm");
  const issuer = await provide(installation);
  const secret = join(installation.folder, "sign-on.secret");
  await writeFile(secret, "an-unlikely-secret-of-the-client");
  await installation.serve(
    ...["--no-worker", "--public-origin", installation.console],
    ...["--sign-on-issuer", issuer, "--sign-on-client-id", "tributary", "--sign-on-client-secret-file", secret],
    ...["--sign-on-scopes", "email,groups", "--sign-on-name", "Company ID"],
    ...["--sign-on-admin", "groups=tributary-admins", "--sign-on-csm", "groups=customer-success"],
  );
});

test.use({ storageState: NOBODY });

/** Starts the provider, and says who it is. */
async function provide(installation: Installation): Promise<string> {
  const program = join(__dirname, "../support/identity-provider.mjs");
  const provider = spawn(process.execPath, [program, installation.console], { stdio: ["ignore", "pipe", "inherit"] });
  installation.adopt(provider);
  const [issuer] = await once(provider.stdout, "data");
  return `${issuer}`.trim();
}

async function leave(page: Page): Promise<void> {
  await page.goto("/log-in");
  await page.getByRole("link", { name: "Sign in with Company ID" }).click();
}

async function say(page: Page, name: string): Promise<void> {
  await expect(page.getByRole("heading", { name: "Who are you?" })).toBeVisible();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}

async function signOn(page: Page, name: string): Promise<void> {
  await leave(page);
  await say(page, name);
}

async function expectIn(page: Page, email: string): Promise<void> {
  await expect(page.getByRole("navigation", { name: "Main" })).toContainText(email);
}

async function expectRefused(page: Page, message: string, turn: string): Promise<void> {
  await expect(page).toHaveURL(/\/log-in\?problem=/);
  const problem = page.getByRole("alert");
  await expect(problem).toContainText(message);
  await expect(problem).toContainText(turn);
}

async function sessionOf(context: BrowserContext): Promise<string | undefined> {
  return (await context.cookies()).find((cookie) => cookie.name === "tributary-session")?.value;
}

test("whoever has the claim of a role is let in with it, and led to the page that was wanted", async ({ page }) => {
  await page.goto("/customers?q=acme");
  await page.getByRole("link", { name: "Sign in with Company ID" }).click();
  await say(page, "carl");
  await expect(page).toHaveURL("/customers?q=acme");
  await expectIn(page, "carl@company.example");
  await expect(page.getByRole("navigation", { name: "Main" })).not.toContainText("Administration");
});

test("an admin's claim makes an admin", async ({ page, installation }) => {
  await signOn(page, "ada");
  await expectIn(page, "ada@company.example");
  await expect(page.getByRole("navigation", { name: "Main" })).toContainText("Administration");
  const accounts = await installation.tributary("account", "list", "--json");
  const ada = accounts.find((account: { email: string }) => account.email === "ada@company.example");
  expect(ada).toMatchObject({ role: "admin", signs_on: true, set_up: false });
});

test("whoever has no role is not let in, and told whose turn it is", async ({ page, context, installation }) => {
  await signOn(page, "nora");
  await expectRefused(page, "has no role in Tributary for you", "Your turn: ask whoever runs the identity provider");
  expect(await sessionOf(context)).toBeUndefined();
  const accounts = await installation.tributary("account", "list", "--json");
  expect(accounts.map((account: { email: string }) => account.email)).not.toContain("nora@company.example");
});

test("an account is tied by an address that the provider has verified, and by no other", async ({ page, installation }) => {
  const of = async (email: string) => {
    const accounts = await installation.tributary("account", "list", "--json");
    return accounts.find((account: { email: string }) => account.email === email);
  };
  const before = await of(VERA);
  await signOn(page, "vera");
  await expectIn(page, VERA);
  expect(await of(VERA)).toMatchObject({ id: before.id, signs_on: true });

  await page.context().clearCookies();
  await signOn(page, "uma");
  await expectRefused(page, "has not verified that your e-mail address is yours", "Your turn:");
  expect(await of(UMA)).toMatchObject({ signs_on: false });
});

test("whoever declines is told so, and may try again", async ({ page }) => {
  await leave(page);
  await page.getByRole("button", { name: "Decline" }).click();
  await expectRefused(page, "You declined, or the identity provider does not let you in.", "Your turn: sign in again.");
  await signOn(page, "carl");
  await expectIn(page, "carl@company.example");
});

test("a forged state opens nothing, nor does another browser's", async ({ page, browser, context, baseURL }) => {
  await leave(page);
  await page.goto("/sign-on/callback?code=stolen&state=forged");
  await expectRefused(page, "was not begun in this browser", "Your turn: sign in again.");

  // Someone else's answer, brought to a browser that waits for its own.
  const other = await browser.newContext({ baseURL, storageState: NOBODY });
  const theirs = await other.newPage();
  const answer = theirs.waitForRequest(/\/sign-on\/callback\?code=/);
  await signOn(theirs, "ada");
  await leave(page);
  await page.goto((await answer).url());
  await expectRefused(page, "was not begun in this browser", "Your turn: sign in again.");
  expect(await sessionOf(context)).toBeUndefined();
  await other.close();
});

test("asked again who they are, only the same person goes on", async ({ page, context, javaScriptEnabled }) => {
  await signOn(page, "carl");
  await expectIn(page, "carl@company.example");
  const before = await sessionOf(context);
  // The provider knows carl still, and asks all the same.
  await page.goto("/sign-on?again=1&next=%2Fcustomers%3Fq%3Dacme");
  await say(page, "carl");
  await expect(page).toHaveURL("/customers?q=acme");
  const after = await sessionOf(context);
  expect(after).toBeDefined();
  expect(after).not.toBe(before);

  await page.goto("/sign-on?again=1&next=%2Fcustomers");
  await say(page, "ada");
  // The provider ends carl's session first, with a form that a script sends.
  if (!javaScriptEnabled) await page.getByRole("button", { name: "Continue" }).click();
  await expect(page).toHaveURL(/\/confirm\?problem=somebody-else/);
  await expect(page.getByRole("alert")).toContainText("You came back from the identity provider as somebody else.");
  await expect(page.getByRole("link", { name: "Confirm with Company ID" })).toBeVisible();
  expect(await sessionOf(context)).toBe(after);
});

test("the log-out ends the session here and at the provider", async ({ page, context }) => {
  await signOn(page, "carl");
  await expectIn(page, "carl@company.example");
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("button", { name: "Log out here, too" }).click();
  await expect(page).toHaveURL("/log-in");
  expect(await sessionOf(context)).toBeUndefined();
  await page.goto("/customers");
  await expect(page).toHaveURL(/\/log-in/);
  // The provider asks anew, too.
  await page.getByRole("link", { name: "Sign in with Company ID" }).click();
  await expect(page.getByRole("heading", { name: "Who are you?" })).toBeVisible();
});

test("the page with the button is for keyboards, screen readers, both schemes and phones", async ({
  console: page,
  javaScriptEnabled,
}) => {
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto("/log-in?problem=no-role");
      await expect(page.getByRole("link", { name: "Sign in with Company ID" })).toBeInViewport();
      await expectNoSidewaysScroll(page);
      if (javaScriptEnabled) await expectAccessible(page);
    }
  }
});
