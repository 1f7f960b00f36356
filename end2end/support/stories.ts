// What every story has: an installation, and a page on which no error goes unnoticed.
import AxeBuilder from "@axe-core/playwright";
import { type Browser, type BrowserContextOptions, expect, type Page, test as base } from "@playwright/test";
import { ADMIN, Installation, PASSWORD } from "./installation";

export { ADMIN, expect, PASSWORD };

export const COMMUNITY_MANAGEMENT = "/administration/general/community-management";

type Fixtures = { console: Page };
type Session = Exclude<BrowserContextOptions["storageState"], string | undefined>;
type WorkerFixtures = { installation: Installation; session: Session };

/** For stories that begin with nobody logged in: `test.use({ storageState: NOBODY })`. */
export const NOBODY: Session = { cookies: [], origins: [] };

/** Logs in by the form on the page. */
export async function logIn(page: Page, email = ADMIN, password = PASSWORD): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

/** The session of an admin who has logged in, as a browser keeps it. */
async function adminSession(browser: Browser, console: string): Promise<Session> {
  const context = await browser.newContext({ baseURL: console, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto("/log-in");
  await logIn(page);
  await expect(page).toHaveURL(COMMUNITY_MANAGEMENT);
  const session = await context.storageState();
  await context.close();
  return session;
}

/** Stories on an installation that `prepare` has filled; one a worker and file, so that stories share nothing else. */
export function stories(simulated: string[], prepare: (installation: Installation) => Promise<void>) {
  return base.extend<Fixtures, WorkerFixtures>({
    installation: [
      async ({}, use) => {
        const installation = await Installation.start(simulated);
        try {
          await prepare(installation);
          await use(installation);
        } finally {
          await installation.stop();
        }
      },
      { scope: "worker", timeout: 120_000 },
    ],
    session: [
      async ({ browser, installation }, use) => use(await adminSession(browser, installation.console)),
      { scope: "worker" },
    ],
    baseURL: async ({ installation }, use) => use(installation.console),
    storageState: async ({ session }, use) => use(session),
    console: async ({ page, javaScriptEnabled }, use) => {
      const complaints: string[] = [];
      page.on("console", (message) => {
        // With scripts off the browser warns that it preloaded them in vain.
        const told = javaScriptEnabled ? ["error", "warning"] : ["error"];
        if (told.includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
      });
      page.on("pageerror", (error) => complaints.push(`page error: ${error}`));
      // What the content security policy refuses is told once more by name, so that none is missed.
      await page.addInitScript(() => {
        const told = (event: SecurityPolicyViolationEvent) =>
          console.error(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
        document.addEventListener("securitypolicyviolation", told);
      });
      await use(page);
      expect(complaints, "the browser's console stays clean").toEqual([]);
    },
  });
}

/** Needs scripts, which the checker is; what it checks is the same page. No known barrier for people who use the keyboard, a screen reader or high contrast (WCAG 2.2 AA). */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  expect(told).toEqual([]);
}

export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
  expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
}
