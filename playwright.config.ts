import { defineConfig } from '@playwright/test';

const executablePath = process.env.PARETOSCOPE_BROWSER ?? '/usr/bin/chromium';
/** Two neighbouring ports; another pair lets two checkouts be tested at once. */
const port = Number(process.env.PARETOSCOPE_TEST_PORT ?? 4173);
const modulesUrl = `http://127.0.0.1:${port}`;
const builtUrl = `http://127.0.0.1:${port + 1}`;

/**
 * `modules`: single modules (workers, clients, persistence) built apart from the app and imported by a blank page.
 * `desktop`, `phone`: journeys through the built app, as a person would. Both take every test that is not tagged
 * `@desktop` (size and touch do not matter to it) or `@phone` (it needs touch).
 */
export default defineConfig({
  testDir: 'test/browser',
  outputDir: 'test-results',
  // Pages wait more than they compute, so there is one more of them than cores. No test may depend on how long anything
  // takes: that is for `npm run bench`.
  workers: 3,
  fullyParallel: true,
  timeout: 240_000,
  // Ends with what it waits for; a longer one only makes room for busy moments.
  expect: { timeout: 15_000 },
  forbidOnly: !!process.env.CI,
  // One race must not hide what else a whole run tells; `npm test` lists at its end what needed a second try.
  retries: process.env.CI ? 1 : 0,
  reporter: [['list'], ['json', { outputFile: 'test-results/browser.json' }]],
  use: {
    launchOptions: {
      executablePath,
      // The software adapter is the only WebGPU on a machine without a GPU.
      args: [
        '--no-sandbox',
        '--enable-unsafe-webgpu',
        '--enable-unsafe-swiftshader',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        // A camera that shows a clock, and that is allowed without being asked.
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
      ],
    },
    // Each page would copy the whole site for use without a network, which takes longer than loading it; journeys that
    // are about a site that is kept ask for it.
    serviceWorkers: 'block',
    trace: 'off',
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'modules', testDir: 'test/browser/modules', use: { baseURL: modulesUrl } },
    {
      name: 'desktop',
      testDir: 'test/browser/journeys',
      grepInvert: /@phone/,
      use: { baseURL: builtUrl, viewport: { width: 1440, height: 900 } },
    },
    {
      name: 'phone',
      testDir: 'test/browser/journeys',
      grepInvert: /@desktop/,
      // What does not depend on the page's size or on touch is tested once, at the desk.
      testIgnore: /(bad-input|headless|kept|normalisations|nothing-lost|offline|own-model|webgpu)\.spec/,
      use: {
        baseURL: builtUrl,
        viewport: { width: 390, height: 844 },
        hasTouch: true,
        isMobile: true,
        deviceScaleFactor: 2,
      },
    },
  ],
  webServer: [
    {
      command: `npx tsx test/browser/modules/server.ts ${port}`,
      url: `${modulesUrl}/engine-scenarios.js`,
      reuseExistingServer: !process.env.CI,
      timeout: 240_000,
    },
    {
      command: `node src/cli/launch.mjs serve --local --port ${port + 1}`,
      url: builtUrl,
      reuseExistingServer: !process.env.CI,
      timeout: 240_000,
    },
  ],
});
