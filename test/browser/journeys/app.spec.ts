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

test('a box of the graph tells what is in it, and a search counts its matches', async ({ page }) => {
  await visit(page);
  await button(page, /^stem/).click();
  const details = page.getByRole('complementary', {
    name: test.info().project.use.isMobile ? 'Numbers' : 'Details',
  });
  await expect(details).toContainText('Parameters');
  await expect(details).toContainText('Conv');
  await button(page, 'Close the details').click();
  await button(page, 'Search the graph').click();
  await page.getByRole('textbox', { name: 'Name, operator or value' }).fill('gemm');
  await expect(page.getByText(/^1 of \d/)).toBeVisible();
  await button(page, 'End the search').click();
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

for (const scheme of ['light', 'dark'] as const) {
  test(`no serious accessibility findings in any part, ${scheme}`, async ({ page }) => {
    // Colours are the same on both; the phone's own layout is looked at in one of them.
    test.skip(scheme === 'light' && test.info().project.name === 'phone', 'dark on the phone');
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
