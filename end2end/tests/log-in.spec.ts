// Nobody is logged in to begin with. Who comes in, what they see, and when they are out again.
import type { Page } from "@playwright/test";
import {
  ADMIN,
  COMMUNITY_MANAGEMENT,
  expect,
  expectAccessible,
  expectNoSidewaysScroll,
  logIn,
  NOBODY,
  stories,
} from "../support/stories";

const CSM = "ben@company.example";

const test = stories(["customer-en:users=20,topics=4,views=4"], async (installation) => {
  await installation.connect({ id: "customer-en", name: "Customer Community" });
  await installation.addAccount(CSM, "csm");
  // Accounts that a story changes are its own.
  await installation.addAccount("cleo@company.example", "admin");
  await installation.serve("--no-worker");
});

test.use({ storageState: NOBODY });

async function expectOut(page: Page): Promise<void> {
  await expect(page).toHaveURL(/\/log-in/);
  await expect(page.getByRole("heading", { level: 1, name: "Log in" })).toBeVisible();
}

test("a wrong password is told, what was typed stays, and the right one leads to the page that was wanted", async ({ page }) => {
  await page.goto(`${COMMUNITY_MANAGEMENT}?tab=activity-logs`);
  await expectOut(page);
  await logIn(page, ADMIN, "wrong horse battery");
  const problem = page.getByRole("alert");
  await expect(problem).toContainText("Email and password do not match an account.");
  await expect(problem).toContainText("Your turn: try again.");
  await expect(page.getByLabel("Email")).toHaveValue(ADMIN);
  await expect(page.getByLabel("Password", { exact: true })).toHaveValue("");
  await logIn(page);
  await expect(page).toHaveURL(`${COMMUNITY_MANAGEMENT}?tab=activity-logs`);
  await expect(page.getByRole("navigation", { name: "Main" })).toContainText(ADMIN);
});

test("a CSM sees customers, and no administration", async ({ page }) => {
  await page.goto("/");
  await logIn(page, CSM);
  await expect(page).toHaveURL("/customers");
  const navigation = page.getByRole("navigation", { name: "Main" });
  await expect(navigation).toContainText(CSM);
  await expect(navigation.getByRole("link", { name: "Customers" })).toBeVisible();
  await expect(navigation).not.toContainText("Administration");
  await expect(page.getByRole("link", { name: "New company" })).toHaveCount(0);
  await page.goto(COMMUNITY_MANAGEMENT);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This page is not for your role");
  await expect(page.getByText("Customer Community")).toHaveCount(0);
  await page.getByRole("link", { name: "Go to the start" }).click();
  await expect(page).toHaveURL("/customers");
});

test("after the log-out the way back shows nothing, and the old cookie opens nothing", async ({ page, context }) => {
  await page.goto(COMMUNITY_MANAGEMENT);
  await logIn(page);
  await expect(page.getByRole("heading", { level: 1, name: "Community Management" })).toBeVisible();
  const stolen = await context.cookies();
  await page.getByRole("button", { name: "Log out" }).click();
  await expectOut(page);
  await expect(page.getByRole("status")).toHaveText("You are logged out.");
  await page.goBack();
  await expectOut(page);
  await context.addCookies(stolen);
  await page.goto(COMMUNITY_MANAGEMENT);
  await expectOut(page);
});

test("a session that is ended elsewhere is over at the next click", async ({ page, installation, javaScriptEnabled }) => {
  await page.goto("/customers");
  await logIn(page, "cleo@company.example");
  await expect(page).toHaveURL("/customers");
  await installation.tributary("account", "disable", "cleo@company.example");
  await page.getByRole("link", { name: "Unification" }).click();
  if (javaScriptEnabled) {
    // The page is there already, and what it loads is refused.
    await expect(page.getByText("You are not logged in, or your session is over.")).toBeVisible();
    await page.reload();
  }
  await expectOut(page);
  await installation.tributary("account", "enable", "cleo@company.example");
});

test("a one-time link leads to a password of one's own, once", async ({ page, installation }) => {
  const email = `dan-${Date.now()}@company.example`;
  const added = await installation.tributary("account", "add", "--email", email, "--role", "csm", "--json");
  const link = new URL(added.set_up_link);
  await page.goto(link.pathname + link.search);
  await expect(page.getByText(`for ${email}`)).toBeVisible();
  const password = page.getByLabel("New password");
  await password.fill("aaaaaaaaaaaaaaaa");
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByRole("alert")).toContainText("The password is not taken");
  await password.fill("four words of my own");
  await page.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByRole("status")).toHaveText("Your password is set. Log in with it.");
  await logIn(page, email, "four words of my own");
  await expect(page).toHaveURL("/customers");
  await page.goto(link.pathname + link.search);
  await expect(page.getByRole("alert")).toContainText("This link is good no more.");
});

test("the page is for keyboards, screen readers, both schemes and phones", async ({ console: page, javaScriptEnabled }) => {
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of [1440, 390, 320]) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto("/log-in");
      await expect(page.getByRole("button", { name: "Log in" })).toBeInViewport();
      await expectNoSidewaysScroll(page);
      if (javaScriptEnabled) await expectAccessible(page);
    }
  }
  await expect(page.getByLabel("Email")).toBeFocused();
  const field = page.getByLabel("Password", { exact: true });
  const show = page.getByRole("button", { name: "Show the password" });
  if (!javaScriptEnabled) {
    await expect(show).toHaveCount(0);
    return;
  }
  await field.fill("correct horse");
  await show.click();
  await expect(field).toHaveAttribute("type", "text");
  await expect(show).toHaveAttribute("aria-pressed", "true");
  await show.click();
  await expect(field).toHaveAttribute("type", "password");
});
