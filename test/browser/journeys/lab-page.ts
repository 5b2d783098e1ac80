import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test as base, expect, type Locator, type Page } from '@playwright/test';

/** A file that the browser is given as if a person picked it. */
export interface TestFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

type Tab = 'Graph' | 'Recipe' | 'Run' | 'Front' | 'Data';

/** The lab as a person uses it, at either size. */
export interface Lab {
  readonly page: Page;
  readonly isPhone: boolean;
  /** What must never happen, as it happens; a test ends by expecting none. */
  readonly problems: string[];
  /** Opens the page and waits until a model and images are there. */
  visit(): Promise<void>;
  button(name: string | RegExp): Locator;
  /** The phone shows one part at a time. */
  show(tab: Tab): Promise<void>;
  /** Clicks, or taps on a phone. */
  press(target: Locator): Promise<void>;
  /** Leaves only these strategies ticked. */
  chooseOnly(...names: readonly string[]): Promise<void>;
  measureButton(): Locator;
  /** Presses Measure (or Resume) and waits for the study's end. */
  measure(): Promise<void>;
  /** Waits for the end of a study under way. */
  studyIsDone(): Promise<void>;
  /** Waits until all that is open is written down, to be found again after a reload. */
  isKept(): Promise<void>;
  points(): Locator;
  /** What pressing this button downloads. */
  download(trigger: Locator): Promise<TestFile>;
  /** Files through the picker that pressing this button opens. */
  pick(trigger: Locator, files: readonly TestFile[]): Promise<void>;
  /** A model through its dialog, and waits until it or a notice is there. */
  openModel(...files: readonly TestFile[]): Promise<void>;
  /** Images through their picker. */
  openImages(...files: readonly TestFile[]): Promise<void>;
  /** Files dropped anywhere on the page; `over` is looked at while they are held over it. */
  drop(files: readonly TestFile[], over?: () => Promise<void>): Promise<void>;
  /** The model's button in the header: its name is the open model's. */
  modelButton(): Locator;
  showData(): Promise<void>;
  closeDialog(): Promise<void>;
  /** A notice with this text. */
  notice(text: string | RegExp): Locator;
  dismissNotices(): Promise<void>;
}

/** Chromium itself asks Google what kind of text field it met; no page can do that. */
const browsersOwn = /^content-autofill\.googleapis\.com:/;

/**
 * `lab` is the page, watched: an exception, an error on the console (the security policy reports there, too) or a
 * request to anywhere but the page's own server fails the test. `outside` lists other origins the test allows.
 * `cores` is what the device says it has, null for the truth: pages side by side whose engines each take all cores wait
 * for each other's threads most of the time.
 */
export const test = base.extend<
  { lab: Lab; outside: string[]; cores: number | null },
  { gate: { url: string; hosts: string[] } }
>({
  cores: [1, { option: true }],
  // Everything that is not this machine goes through here, from pages and workers alike, and no further.
  gate: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright reads the pattern
    async ({}, use) => {
      const hosts: string[] = [];
      const server = createServer((request, response) => {
        hosts.push(request.headers.host ?? '?');
        response.writeHead(403).end();
      });
      server.on('connect', (request, socket) => {
        hosts.push(request.url ?? '?');
        // A page that closes meanwhile resets the connection, which is no failure of anything.
        socket.on('error', () => {});
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      await use({ url: `http://127.0.0.1:${port}`, hosts });
      server.close();
    },
    { scope: 'worker' },
  ],
  proxy: async ({ gate }, use) => {
    await use({ server: gate.url, bypass: '127.0.0.1,localhost' });
  },
  // oxlint-disable-next-line no-empty-pattern -- Playwright reads the pattern
  outside: async ({}, use) => {
    await use([]);
  },
  lab: async ({ page, gate, outside, cores }, use, info) => {
    if (cores !== null) await page.context().addInitScript(sayCores, cores);
    const lab = labOn(page, !!info.project.use.isMobile);
    gate.hosts.length = 0;
    const own = new URL(info.project.use.baseURL ?? 'http://127.0.0.1').origin;
    page.context().on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith('http') && origin !== own && !outside.includes(origin))
        lab.problems.push(`request: ${request.url()}`);
    });
    await use(lab);
    expect(lab.problems, 'nothing throws, nothing is refused by the policy, nothing leaves').toEqual([]);
    const asked = gate.hosts.filter((host) => !browsersOwn.test(host));
    expect(asked, 'no other machine is asked for anything').toEqual([]);
  },
});

/** Runs in the page. */
function sayCores(cores: number): void {
  Object.defineProperty(Navigator.prototype, 'hardwareConcurrency', { get: () => cores });
}

/** The lab on any page. */
export function labOn(page: Page, isPhone: boolean): Lab {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  page.on('crash', () => problems.push('the page crashed'));

  const button: Lab['button'] = (name) => page.getByRole('button', { name });
  const press: Lab['press'] = (target) => (isPhone ? target.tap() : target.click());
  const show: Lab['show'] = async (tab) => {
    if (!isPhone) return;
    const face = page.getByRole('tablist', { name: 'Parts of the lab' }).getByRole('tab', { name: tab });
    // Right after a drag the browser takes a tap for the end of a fling.
    await expect(async () => {
      await face.tap();
      await expect(face).toHaveAttribute('aria-selected', 'true', { timeout: 500 });
    }).toPass();
  };
  const measureButton = () =>
    button(/^(Measure( on this device| again| \d+ more)|Resume the study)$/).first();
  const modelButton = () =>
    isPhone ? page.locator('header button').first() : button(/^Model: .* Open another$/);
  const dismissNotices = async () => {
    const dismiss = page.getByRole('button', { name: /^Dismiss/ });
    while ((await dismiss.count()) > 0)
      await dismiss
        .first()
        .click({ timeout: 1000 })
        .catch(() => {});
  };
  const studyIsDone = async () => {
    await expect(page.getByText('The study is done')).toBeVisible({ timeout: 180_000 });
    await dismissNotices();
  };
  const isKept = () => expect(page.locator('html')).toHaveAttribute('data-kept', 'true', { timeout: 30_000 });
  const pick: Lab['pick'] = async (trigger, files) => {
    const chooser = page.waitForEvent('filechooser');
    await press(trigger);
    const buffers = files.map(({ name, bytes }) => ({
      name,
      mimeType: '',
      buffer: Buffer.from(bytes),
    }));
    await (await chooser).setFiles(buffers);
  };
  const showData = async () => {
    if (isPhone) return show('Data');
    if ((await page.getByRole('dialog', { name: 'Images' }).count()) === 0) await press(button(/^Images: /));
  };
  const closeDialog = async () => {
    const close = page.getByRole('dialog').getByRole('button', { name: 'Close', exact: true });
    if ((await close.count()) > 0) await press(close);
    await expect(page.getByRole('dialog')).toHaveCount(0);
  };
  return {
    page,
    isPhone,
    problems,
    button,
    press,
    show,
    measureButton,
    modelButton,
    studyIsDone,
    isKept,
    dismissNotices,
    pick,
    showData,
    closeDialog,
    async visit() {
      await page.goto('./');
      await expect(measureButton()).toBeEnabled({ timeout: 30_000 });
    },
    async chooseOnly(...names) {
      await show('Run');
      const boxes = page.getByRole('checkbox', { name: /^Measure / });
      await boxes.first().waitFor();
      for (const box of await boxes.all()) {
        const name = (await box.getAttribute('aria-label'))?.replace(/^Measure /, '') ?? '';
        await box.setChecked(names.includes(name));
      }
      await expect(page.getByRole('checkbox', { name: /^Measure /, checked: true })).toHaveCount(
        names.length,
      );
    },
    async measure() {
      await show('Run');
      await dismissNotices();
      await press(measureButton());
      await studyIsDone();
    },
    points: () => page.locator('figure g[role=button]'),
    async download(trigger) {
      const started = page.waitForEvent('download');
      await press(trigger);
      const download = await started;
      return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
    },
    async openModel(...files) {
      await press(modelButton());
      await pick(button('Choose an .onnx file'), files);
    },
    async openImages(...files) {
      await showData();
      await pick(button('Open a zip or files'), files);
    },
    async drop(files, over = async () => {}) {
      const dataTransfer = await page.evaluateHandle(
        (given) => {
          const data = new DataTransfer();
          for (const { name, base64 } of given) {
            const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
            data.items.add(new File([bytes], name));
          }
          return data;
        },
        files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString('base64') })),
      );
      await page.dispatchEvent('body', 'dragenter', { dataTransfer });
      await over();
      await page.dispatchEvent('body', 'drop', { dataTransfer });
    },
    notice: (text) => page.getByRole('log').locator('[data-tone]').filter({ hasText: text }),
  };
}

export { readCsv } from '../../fixtures/read-csv.ts';
export { expect };

/** A file's text. */
export function textOf({ bytes }: TestFile): string {
  return new TextDecoder().decode(bytes);
}
