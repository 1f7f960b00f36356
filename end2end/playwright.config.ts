import { defineConfig } from "@playwright/test";

// A machine without a GPU or a sandbox, and no calls to anyone: these are Chromium's own names for that.
const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export default defineConfig({
  testDir: "./tests",
  outputDir: "./test-results",
  fullyParallel: true,
  workers: 2,
  forbidOnly: !!process.env.CI,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    launchOptions: { executablePath: process.env.TRIBUTARY_CHROMIUM, args: quiet },
    locale: "en-GB",
    timezoneId: "UTC",
    viewport: { width: 1440, height: 1000 },
    trace: "retain-on-failure",
  },
  projects: [
    { name: "scripts on", use: { javaScriptEnabled: true } },
    { name: "scripts off", use: { javaScriptEnabled: false } },
  ],
});
