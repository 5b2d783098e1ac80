import type { Locator } from '@playwright/test';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { expect, type Lab, test } from './lab-page.ts';

/** Opens a network of the gallery. */
async function openZoo(lab: Lab, name: string, file: string): Promise<void> {
  await lab.press(lab.modelButton());
  await lab.press(lab.button(new RegExp(`^${name}`)));
  await expect(lab.page.getByTestId('graph-canvas')).toHaveAttribute('data-model', new RegExp(file));
}

/** Drags by mouse or, on a phone, by thumb. */
async function drag(lab: Lab, from: Locator, byY: number): Promise<void> {
  const box = await from.boundingBox();
  if (!box) throw new Error('nothing to drag');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const steps = 8;
  if (!lab.isPhone) {
    await lab.page.mouse.move(x, y);
    await lab.page.mouse.down();
    await lab.page.mouse.move(x, y + byY, { steps });
    await lab.page.mouse.up();
    return;
  }
  const touches = await lab.page.context().newCDPSession(lab.page);
  await touches.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y }] });
  for (let step = 1; step <= steps; step++) {
    const touchPoints = [{ x, y: y + (byY * step) / steps }];
    await touches.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints });
  }
  await touches.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await touches.detach();
}

async function counts(handle: Locator): Promise<readonly [number, number]> {
  const read = async (name: string) => Number(await handle.getAttribute(name));
  return [await read('aria-valuenow'), await read('aria-valuemax')];
}

test('the ramp of a stack is dragged up to skip its last blocks, and the built file has them no more; its details skip some as well', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await openZoo(lab, 'ShuffleNet', 'shufflenet');
  const handle = page.getByTestId('skip-handle').first();
  expect(await counts(handle)).toEqual([0, 3]);
  const stack = await page.locator('[data-kind=stack]').first().boundingBox();
  await drag(lab, handle, -(stack?.height ?? 0) * 0.85);
  await expect(handle).toHaveAttribute('aria-valuenow', '2');
  await expect(handle).toContainText('skip 2 of 3');
  await expect(page.getByTestId('skipped')).toHaveCount(1);

  await lab.show('Recipe');
  await lab.press(lab.button('More about this recipe'));
  const file = await lab.download(page.getByRole('menuitem', { name: /^Download the variant/ }));
  const { nodes } = parseModel(memorySource(file.bytes)).graph;
  const inStage2 = (unit: number) => nodes.filter(({ name }) => name.startsWith(`/stage2/stage2.${unit}/`));
  expect([0, 1, 2, 3].map((unit) => inStage2(unit).length > 0)).toEqual([true, true, false, false]);

  // One step to undo.
  await lab.press(lab.button('Undo'));
  await lab.show('Graph');
  await expect(page.getByTestId('skipped')).toHaveCount(0);
  expect(await counts(handle)).toEqual([0, 3]);

  await lab.press(handle);
  await expect(handle).toHaveAttribute('aria-valuenow', '1');
  await lab.press(page.locator('[data-kind=stack] button').first());
  const slider = page.getByRole('slider', { name: 'Skip the last blocks' });
  await slider.focus();
  await page.keyboard.press('ArrowRight');
  await expect(handle).toHaveAttribute('aria-valuenow', '2');
  await lab.show('Recipe');
  await expect(page.getByText(/^2 blocks · /)).toBeVisible();
});

test('a tap skips one block more, keys move both ends; a cut that is skipped moves in one press @desktop', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await openZoo(lab, 'ShuffleNet', 'shufflenet');
  const handle = page.getByTestId('skip-handle').first();
  await lab.press(handle);
  await expect(handle).toHaveAttribute('aria-valuenow', '1');
  await handle.focus();
  await page.keyboard.press('End');
  await expect(handle).toHaveAttribute('aria-valuenow', '3');
  await page.keyboard.press('Escape');
  await expect(handle).toHaveAttribute('aria-valuenow', '1');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await expect(handle).toHaveAttribute('aria-valuetext', /^skip 2 of 3, −\d/);
  // The other end moves as well: of the last two the first alone, in the middle of the run.
  const end = page.getByTestId('skip-end-handle');
  await end.focus();
  await page.keyboard.press('ArrowUp');
  await expect(page.getByTestId('drag-card')).toContainText('skip 1 of 3');
  await page.keyboard.press('Enter');
  await expect(handle).toHaveAttribute('aria-valuetext', /^skip 1 of 3, −\d/);
  await expect(page.getByTestId('drag-card')).toHaveCount(0);
  await handle.focus();
  await page.keyboard.press('Delete');
  await expect(handle).toHaveAttribute('aria-valuenow', '0');
  await expect(page.getByTestId('skipped')).toHaveCount(0);

  // A cut in what is then skipped is no place of the graph any more: the nearest one is a press away.
  await lab.press(page.getByTestId('add-cut'));
  const cut = page.getByTestId('cut-handle');
  const inStack = async () => (await cut.getAttribute('aria-valuetext'))?.includes('/stage2/stage2.2/');
  await cut.focus();
  await page.keyboard.press('Home');
  await expect(cut).toHaveAttribute('aria-valuenow', '1');
  while (!(await inStack())) {
    const before = await cut.getAttribute('aria-valuenow');
    await page.keyboard.press('PageDown');
    await expect(cut).not.toHaveAttribute('aria-valuenow', before ?? '');
  }
  await handle.focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  const problem = page.getByTestId('graph-problem');
  await expect(problem).toContainText('it lies in blocks that are skipped');
  await expect(cut).toHaveAttribute('aria-valuetext', /not there any more/);
  await lab.press(problem.getByRole('button'));
  await expect(problem).toHaveCount(0);
  await expect(cut).not.toHaveAttribute('aria-valuetext', /not there any more/);
});
