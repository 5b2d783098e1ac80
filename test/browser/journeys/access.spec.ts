import AxeBuilder from '@axe-core/playwright';
import { expect, type Lab, test } from './lab-page.ts';

/** What can be pressed and is smaller than a thumb, by its name. */
async function smallTargets(lab: Lab, where: string): Promise<string[]> {
  const found = await lab.page.evaluate(() => {
    const least = 44;
    const selector =
      'button, a[href], input, select, textarea, summary, [role=button], [role=switch], [role=slider], [role=tab], [role=menuitem]';
    return [...document.querySelectorAll<HTMLElement>(selector)].flatMap((element) => {
      // Points of the front are taken by the nearest press within a thumb's reach.
      if (element instanceof SVGElement || !element.checkVisibility({ visibilityProperty: true })) return [];
      // Boxes of the graph grow and shrink with it, as on a map.
      if (element.closest('.react-flow__node')) return [];
      // A label is pressed for its control.
      const target = element.closest('label') ?? element;
      const own = element.getBoundingClientRect();
      const box = target.getBoundingClientRect();
      if (own.width === 0 || own.height === 0) return [];
      const [width, height] = [Math.max(own.width, box.width), Math.max(own.height, box.height)];
      if (Math.min(width, height) >= least - 0.5) return [];
      const name = element.getAttribute('aria-label') ?? element.textContent?.trim().slice(0, 40) ?? '';
      // Bars of a chart; the buttons beside them step to each.
      if (name.startsWith('Cut here')) return [];
      return [`${element.tagName.toLowerCase()} "${name}" ${Math.round(width)} x ${Math.round(height)}`];
    });
  });
  return found.map((text) => `${where}: ${text}`);
}

/**
 * Serious and critical findings of axe in what is on screen, and on a phone what is smaller than a thumb. Both colour
 * schemes are seen on the desktop, where the second is looked at for nothing but its colours.
 */
async function looker(lab: Lab) {
  const { page } = lab;
  const found = new Set<string>();
  const settled = () =>
    page.evaluate(() =>
      Promise.allSettled(
        document
          .getAnimations()
          .filter((animation) => animation.effect?.getComputedTiming().endTime !== Infinity)
          .map(({ finished }) => finished),
      ).then(() => {}),
    );
  const audit = async (where: string, rules: readonly string[]) => {
    await settled();
    // There are no frames to gather findings from; without them it takes half the time.
    const axe = new AxeBuilder({ page }).setLegacyMode(true);
    const { violations } = await (rules.length > 0 ? axe.withRules([...rules]) : axe).analyze();
    for (const { impact, id, nodes } of violations)
      if (impact === 'serious' || impact === 'critical')
        for (const { html } of nodes) found.add(`${where}: ${id} ${html.slice(0, 160)}`);
  };
  const first = lab.isPhone ? 'dark' : 'light';
  await page.emulateMedia({ colorScheme: first });
  return {
    found,
    look: async (where: string) => {
      await audit(where, []);
      if (lab.isPhone) for (const small of await smallTargets(lab, where)) found.add(small);
      else {
        await page.emulateMedia({ colorScheme: 'dark' });
        await audit(`${where}, dark`, ['color-contrast']);
        await page.emulateMedia({ colorScheme: first });
      }
    },
  };
}

test('no serious findings and no small targets in any part, while things are open or fail', async ({
  lab,
  page,
}) => {
  // As those ask for whom moving pictures are too much: nothing may wait for a transition that is never made.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const { look, found } = await looker(lab);
  await lab.visit();
  await look('graph');
  // A problem over the page, details, the search, a placed cut and an exit.
  await lab.openModel({ name: 'text.onnx', bytes: new TextEncoder().encode('no model') });
  await expect(lab.notice('text.onnx could not be opened')).toBeVisible();
  await lab.closeDialog();
  if (lab.isPhone) {
    await look('notice');
    await lab.dismissNotices();
  }
  await lab.press(page.getByTestId('add-cut'));
  await lab.press(page.getByTestId('exit-0'));
  await expect(page.getByTestId('exit-0')).toHaveAttribute('aria-checked', 'true');
  await lab.press(page.locator('.react-flow__node').nth(2));
  await expect(lab.button('Close the details')).toBeVisible();
  await lab.press(lab.button('Search the graph'));
  await page.getByRole('textbox', { name: 'Name, operator or value' }).fill('relu');
  await expect(page.getByText(/^1 of \d/)).toBeVisible();
  await look('details and search');
  await lab.press(lab.button('End the search'));
  await lab.dismissNotices();

  await lab.show('Recipe');
  for (const step of ['Quantize', 'Prune']) await lab.press(lab.button(`+ ${step}`));
  for (const step of ['Early exits', 'Quantize', 'Prune', 'Partition'])
    await lab.press(lab.button(new RegExp(`^${step} `)));
  await look('recipe');
  await lab.press(lab.button('More about this recipe'));
  await look('menu');
  await lab.press(page.getByRole('menuitem', { name: /^Edit as JSON/ }));
  await page.getByRole('textbox', { name: 'Recipe as JSON' }).fill('[{');
  await expect(page.getByRole('alert')).toBeVisible();
  await look('text');

  await lab.showData();
  await expect(page.getByRole('img', { name: /as the network sees it/ })).toBeVisible();
  await look('images');
  await lab.closeDialog();
  await lab.press(lab.modelButton());
  await page.getByRole('dialog').waitFor();
  await look('model dialog');
  await lab.closeDialog();
  expect([...found]).toEqual([]);
});

test('no serious findings and no small targets before, during and after a run', async ({ lab, page }) => {
  const { look, found } = await looker(lab);
  await lab.visit();
  await lab.chooseOnly('identity', 'exit 1');
  if (lab.isPhone) await look('run');
  await lab.press(lab.measureButton());
  await lab.press(lab.button('Pause').first());
  await expect(lab.button('Go on').first()).toBeVisible();
  await look('paused');
  await lab.press(lab.button('Go on').first());
  await lab.studyIsDone();
  await lab.show('Front');
  await expect(lab.points()).toHaveCount(2);
  await look('front');
  await lab.press(lab.button(/^This device/));
  await page.getByRole('dialog').waitFor();
  await look('device dialog');
  await lab.closeDialog();
  expect([...found]).toEqual([]);
});

test('with the keyboard alone: a cut is placed and moved, and a study measured', async ({ lab, page }) => {
  await lab.visit();
  const focused = () =>
    page.evaluate(() => {
      const element = document.activeElement;
      const name = element?.getAttribute('aria-label') ?? element?.textContent ?? '';
      const kind =
        element?.getAttribute('role') === 'tab' ? 'tab' : (element?.getAttribute('data-testid') ?? '');
      return `${kind} ${name}`.trim();
    });
  /** Goes on with Tab until something of this name has the focus. */
  const tabTo = async (name: RegExp) => {
    const passed: string[] = [];
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press('Tab');
      const now = await focused();
      if (name.test(now)) return;
      passed.push(now);
    }
    throw new Error(`${name} was never reached; passed ${passed.join(' | ')}`);
  };
  await tabTo(/^add-cut/);
  await page.keyboard.press('Enter');
  const cut = page.getByTestId('cut-handle');
  await expect(cut).toBeVisible();
  const before = Number(await cut.getAttribute('aria-valuenow'));
  await tabTo(/^cut-handle/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(cut).toHaveAttribute('aria-valuenow', String(before + 2));

  if (lab.isPhone) {
    await tabTo(/^tab Graph$/);
    for (const name of ['Recipe', 'Run']) {
      await page.keyboard.press('ArrowRight');
      await expect(page.getByRole('tab', { name })).toBeFocused();
      await expect(page.getByRole('tab', { name })).toHaveAttribute('aria-selected', 'true');
    }
    await page.keyboard.press('Shift+Tab');
  } else {
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  }
  // All strategies off but the first.
  const boxes = page.getByRole('checkbox', { name: /^Measure / });
  const none = page.getByRole('button', { name: 'Choose no strategy' });
  await none.focus();
  await page.keyboard.press('Enter');
  await expect(boxes.and(page.locator(':checked'))).toHaveCount(0);
  await tabTo(/^Measure identity$/);
  await page.keyboard.press('Space');
  await expect(boxes.first()).toBeChecked();
  await lab.measureButton().focus();
  await page.keyboard.press('Enter');
  await lab.studyIsDone();
  await lab.show('Front');
  await expect(lab.points()).toHaveCount(1);
});
