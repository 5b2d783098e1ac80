import { readFile } from 'node:fs/promises';
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';

/** The phone shows one part at a time. */
async function show(page: Page, tab: 'Graph' | 'Recipe' | 'Run' | 'Front' | 'Data'): Promise<void> {
  if (test.info().project.use.isMobile) await page.getByRole('tab', { name: tab }).click();
}

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });

/** Opens the page and waits until the bundled model and images are there. */
async function visit(page: Page): Promise<void> {
  await page.goto('./');
  await expect(button(page, 'Measure on this device').first()).toBeEnabled();
}

/** Chooses few strategies, so that a study is short. */
async function chooseOnly(page: Page, ...names: string[]): Promise<void> {
  await show(page, 'Run');
  await button(page, 'none').click();
  for (const name of names)
    await page.getByRole('checkbox', { name: `Measure ${name}`, exact: true }).check();
}

async function measure(page: Page): Promise<void> {
  await button(page, /^Measure/)
    .first()
    .click();
  await expect(page.getByText('The study is done')).toBeVisible({ timeout: 90_000 });
}

async function download(page: Page, name: string): Promise<string> {
  const started = page.waitForEvent('download');
  await page.getByRole('button', { name, exact: true }).click();
  return readFile(await (await started).path(), 'utf8');
}

/** Nothing the policy refuses, nothing that throws, no request beyond the page's origin. */
function watch(page: Page): { readonly problems: string[] } {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== new URL(page.url()).origin)
      problems.push(`request: ${request.url()}`);
  });
  return { problems };
}

test('a first visit reaches a front with one press, and everything measured can be taken home', async ({
  page,
}) => {
  await page.goto('./');
  const { problems } = watch(page);
  await expect(button(page, 'Measure on this device').first()).toBeEnabled();
  await measure(page);
  await show(page, 'Front');
  const points = page.locator('figure g[role=button]');
  await expect(points).toHaveCount(10);
  // Three exits that trade accuracy for work: at least two of them are on the front.
  expect(
    await points
      .filter({ has: page.locator('circle') })
      .evaluateAll((all) => all.filter((g) => g.getAttribute('aria-label')?.includes('on the front')).length),
  ).toBeGreaterThan(1);

  const trials = await download(page, 'trials.csv');
  const [head, ...rows] = trials.trim().split('\r\n');
  expect(head).toContain('latency_median_ms');
  expect(rows).toHaveLength(10);
  const samples = (await download(page, 'samples.csv')).trim().split('\r\n');
  expect(samples.length - 1).toBe(10 * (5 + 5 * 10));
  const svg = await download(page, 'SVG');
  expect(svg).toContain('<svg');
  const study = await download(page, 'study.json');
  expect(JSON.parse(study)).toMatchObject({ format: 'paretoscope-study' });
  expect(problems).toEqual([]);
});

test('choosing a point restores its recipe; a reload brings everything back; a study comes in from a file', async ({
  page,
}) => {
  await visit(page);
  await chooseOnly(page, 'identity', 'exit 1');
  await measure(page);
  await show(page, 'Front');
  const point = page.locator('figure g[role=button][aria-label^="exit 1"]');
  await point.click();
  await expect(point).toHaveAttribute('aria-pressed', 'true');
  await show(page, 'Recipe');
  await expect(page.getByText('always stop at exit 1')).toBeVisible();

  // State is written down when it has settled.
  await page.waitForTimeout(1000);
  await page.reload();
  await show(page, 'Recipe');
  await expect(page.getByText('always stop at exit 1')).toBeVisible();
  await show(page, 'Front');
  await expect(page.locator('figure g[role=button]')).toHaveCount(2);

  const study = await download(page, 'study.json');
  await button(page, /^Delete digits/).click();
  await button(page, 'Delete for good').click();
  await expect(page.locator('figure g[role=button]')).toHaveCount(0);
  const chooser = page.waitForEvent('filechooser');
  await button(page, 'Open a study.json').click();
  await (await chooser).setFiles({
    name: 'study.json',
    mimeType: 'application/json',
    buffer: Buffer.from(study),
  });
  await expect(page.locator('figure g[role=button]')).toHaveCount(2);
});

test('a cancelled study keeps what is measured and goes on after a reload', async ({ page }) => {
  await visit(page);
  await show(page, 'Run');
  await button(page, /^Measure/)
    .first()
    .click();
  await show(page, 'Front');
  await expect(page.locator('figure g[role=button]').first()).toBeVisible({ timeout: 60_000 });
  await page.waitForTimeout(500);
  await page.reload();
  await expect(page.getByText('Your study is unfinished')).toBeVisible();
  await show(page, 'Front');
  await expect(page.locator('figure g[role=button]').first()).toBeVisible();
  await show(page, 'Run');
  await button(page, 'Resume the study').first().click();
  await expect(button(page, 'Pause').first()).toBeVisible();
  await button(page, 'Pause').first().click();
  await expect(button(page, 'Go on').first()).toBeVisible();
  await button(page, 'Go on').first().click();
  await expect(page.getByText('The study is done')).toBeVisible({ timeout: 90_000 });
});

test('files that are no models are refused with a reason, and the open model stays', async ({ page }) => {
  await visit(page);
  await button(page, /^(Model: digits|digits$)/).click();
  const chooser = page.waitForEvent('filechooser');
  await button(page, 'Choose an .onnx file').click();
  await (await chooser).setFiles({
    name: '<b>evil</b>.onnx',
    mimeType: '',
    buffer: Buffer.from('this is no model'),
  });
  const notice = page.getByRole('log').filter({ hasText: 'could not be opened' });
  await expect(notice).toBeVisible();
  // Names are shown as text.
  await expect(notice).toContainText('<b>evil</b>.onnx');
  await expect(notice.locator('b')).toHaveCount(0);
  await expect(page.getByText('digits').first()).toBeVisible();
});

test('a model of the gallery opens, and the sample has its recipes back afterwards', async ({ page }) => {
  await visit(page);
  await show(page, 'Recipe');
  await button(page, '+ Prune').click();
  await button(page, 'Add to study').click();
  await button(page, /^(Model: digits|digits$)/).click();
  await button(page, /^MobileNetV2/).click();
  await expect(button(page, /^(Model: mobilenet_v2|mobilenet_v2$)/)).toBeVisible();
  await expect(page.getByText('50 % of the weights')).toHaveCount(0);
  await button(page, /^(Model: mobilenet_v2|mobilenet_v2$)/).click();
  await expect(
    page.getByText('Random weights: size and latency only, no accuracy.', { exact: true }),
  ).toBeVisible();
  await button(page, /^Digits/).click();
  await show(page, 'Recipe');
  await expect(page.getByText('50 % of the weights')).toBeVisible();
});

test('the recipe is edited as cards and as text, with undo, and nonsense is refused', async ({ page }) => {
  await visit(page);
  await show(page, 'Recipe');
  await button(page, '+ Early exits').click();
  await button(page, '+ Quantize').click();
  await button(page, 'More about this recipe').click();
  await page.getByRole('menuitem', { name: 'Edit as JSON' }).click();
  const text = page.getByRole('textbox', { name: 'Recipe as JSON' });
  await expect(text).toHaveValue(/"op":"quantize"/);
  await text.fill('[{"op": "prune", "kind": "unstructured", "ratio": 7}]');
  await expect(page.getByRole('alert')).toContainText('ratio');
  await expect(button(page, 'Apply')).toBeDisabled();
  await text.fill('[{"op": "prune", "kind": "unstructured", "ratio": 0.3}]');
  await button(page, 'Apply').click();
  await expect(page.getByText('30 % of the weights')).toBeVisible();
  await button(page, 'Undo').click();
  await expect(page.getByText('dynamic int8')).toBeVisible();
  await button(page, 'Redo').click();
  await expect(page.getByText('30 % of the weights')).toBeVisible();
});

for (const scheme of ['light', 'dark'] as const) {
  test(`no serious accessibility findings in any part, ${scheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await visit(page);
    await chooseOnly(page, 'identity', 'exit 1');
    await measure(page);
    await button(page, /^Dismiss/).click();
    const findings: string[] = [];
    const check = async (where: string) => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      for (const { id, impact, nodes } of violations)
        if (impact === 'serious' || impact === 'critical')
          findings.push(...nodes.map((node) => `${where}: ${id} ${node.html.slice(0, 120)}`));
    };
    for (const tab of ['Graph', 'Recipe', 'Run', 'Front', 'Data'] as const) {
      await show(page, tab);
      if (tab === 'Recipe') {
        for (const step of ['Early exits', 'Quantize', 'Prune', 'Partition'])
          await button(page, `+ ${step}`).click();
        for (const step of ['Early exits', 'Quantize', 'Prune', 'Partition'])
          await button(page, new RegExp(`^${step} `)).click();
      }
      await page.waitForTimeout(300);
      await check(tab);
    }
    for (const dialog of [/^(Model: )?digits/, /^This device/]) {
      await button(page, dialog).first().click();
      await page.getByRole('dialog').waitFor();
      await check(String(dialog));
      await button(page, 'Close').click();
    }
    expect(findings).toEqual([]);
  });
}
