import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Locator } from '@playwright/test';
import type { VariantPlan } from '../../../src/transforms/variant.ts';
import { bandModel } from '../../fixtures/bands.ts';
import { expect, type Lab, test, textOf } from './lab-page.ts';

const sampleModel = readFileSync(new URL('../../../public/samples/digits.onnx', import.meta.url));

/** Drags by mouse or, on a phone, by thumb, and holds on; the result lets go. */
async function dragAndHold(lab: Lab, x: number, y: number, byY: number): Promise<() => Promise<void>> {
  const { page } = lab;
  const steps = 10;
  if (!lab.isPhone) {
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x, y + byY, { steps });
    return () => page.mouse.up();
  }
  const touches = await page.context().newCDPSession(page);
  const send = (type: 'touchStart' | 'touchMove', atY: number) =>
    touches.send('Input.dispatchTouchEvent', { type, touchPoints: [{ x, y: atY }] });
  await send('touchStart', y);
  for (let step = 1; step <= steps; step++) await send('touchMove', y + (byY * step) / steps);
  return async () => {
    await touches.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    await touches.detach();
  };
}

async function choose(lab: Lab, entry: string | RegExp): Promise<void> {
  await lab.press(lab.button('More about this recipe'));
  await lab.press(lab.page.getByRole('menuitem', { name: entry }));
}

/** The recipe's text, shown. */
async function recipeText(lab: Lab): Promise<Locator> {
  await lab.show('Recipe');
  const text = lab.page.getByRole('textbox', { name: 'Recipe as JSON' });
  if ((await text.count()) === 0) await choose(lab, /^Edit as JSON/);
  return text;
}

async function recipeOnPage(lab: Lab): Promise<unknown> {
  return JSON.parse(await (await recipeText(lab)).inputValue());
}

async function writeRecipe(lab: Lab, recipe: readonly object[]): Promise<void> {
  await (await recipeText(lab)).fill(JSON.stringify(recipe));
  await lab.press(lab.button('Apply'));
  await expect(lab.button('Apply')).toHaveCount(0);
}

test('a cut dragged along the graph tells its numbers while it moves, and lands in the recipe', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.press(page.getByTestId('add-cut'));
  const handle = page.getByTestId('cut-handle');
  await expect(handle).toBeVisible();
  const before = await recipeOnPage(lab);
  expect(before).toMatchObject([{ op: 'partition' }]);

  await lab.show('Graph');
  const box = await handle.boundingBox();
  if (!box) throw new Error('no handle');
  const [x, y] = [box.x + 24, box.y + box.height / 2];
  const text = await handle.textContent();
  const letGo = await dragAndHold(lab, x, y, 150);
  // Still held: the label tells already, the recipe waits.
  await expect.poll(() => handle.textContent()).not.toBe(text);
  await expect(handle).toContainText(/\d+ (B|kB|MB)/);
  await expect(handle).toContainText(/\d+ \| \d+ %/);
  const [head = -1, tail = -1] = (/(\d+) \| (\d+) %/.exec((await handle.textContent()) ?? '') ?? [])
    .slice(1)
    .map(Number);
  expect(head + tail).toBe(100);
  await letGo();
  const shown = await handle.getAttribute('aria-valuetext');
  const after = (await recipeOnPage(lab)) as { cut: string | string[] }[];
  expect(after).not.toEqual(before);
  // The values it names in the recipe are those it tells.
  for (const name of [after[0]?.cut].flat()) expect(shown).toContain(String(name));

  await lab.press(lab.button('Undo'));
  expect(await recipeOnPage(lab)).toEqual(before);
  await lab.press(lab.button('Redo'));
  expect(await recipeOnPage(lab)).toEqual(after);
});

test('a recipe with a mistake is explained and can be mended; recipes go out and come in as files @desktop', async ({
  lab,
  page,
}) => {
  await lab.visit();
  const text = await recipeText(lab);
  const alert = page.getByRole('alert');
  for (const [mistake, told] of [
    ['[{"op": "quantise"}]', 'quantize'],
    ['[{"op": "prune", "kind": "unstructured", "ratio": "half"}]', 'ratio'],
    ['[{"op": "early-exit", "kind": "existing", "exit": 1, "threshold": 0.5}]', 'threshold'],
    ['{"op": "identity"}', 'list'],
    ['[{"op": "identity"}', 'JSON'],
  ] as const) {
    await text.fill(mistake);
    await expect(alert).toContainText(told);
    await expect(lab.button('Apply')).toBeDisabled();
  }
  // Right as JSON, wrong for this model: said once it is there, and nothing of it can be measured.
  await writeRecipe(lab, [{ op: 'partition', cut: 'no such value' }]);
  await expect(alert).toContainText('no such value');
  await expect(lab.button('Add to study')).toBeDisabled();
  const recipe = [
    { op: 'prune', kind: 'unstructured', ratio: 0.25 },
    { op: 'quantize', mode: 'dynamic' },
  ];
  await writeRecipe(lab, recipe);
  await expect(alert).toHaveCount(0);
  await lab.press(lab.button('Add to study'));

  await lab.show('Run');
  const name = 'prune weights 25% l1 + int8';
  const row = page.getByRole('checkbox', { name: `Measure ${name}`, exact: true });
  await expect(row).toBeChecked();
  const all = await lab.download(lab.button('Export all'));
  expect(JSON.parse(textOf(all))).toContainEqual({ name, recipe });
  await lab.press(lab.button(`More about ${name}`));
  await lab.press(page.getByRole('menuitem', { name: /^Remove/ }));
  await expect(row).toHaveCount(0);
  await lab.pick(lab.button('Import recipes'), [all]);
  await expect(row).toBeChecked();
  await lab.pick(lab.button('Import recipes'), [
    {
      name: 'recipes.json',
      bytes: new TextEncoder().encode('[{"op":"prune","kind":"unstructured","ratio":2}]'),
    },
  ]);
  await expect(lab.notice('The recipes could not be read')).toContainText('ratio');
});

test('a set of strategies is listed with one press by the papers’ names, goes with one, and suits another model as told @phone', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.show('Run');
  const names = () =>
    page
      .getByRole('checkbox', { name: /^Measure / })
      .evaluateAll((all) =>
        all.map((box) => (box.getAttribute('aria-label') ?? '').slice('Measure '.length)),
      );
  // Panels come after the graph.
  await expect.poll(names).toContain('identity');
  const before = await names();
  await lab.press(lab.button('Add a set…'));
  await lab.press(lab.button('Add QEP'));
  await expect(page.getByRole('dialog')).toHaveCount(0);
  // What was listed under its own name gets the set's; nothing is there twice.
  await expect
    .poll(names)
    .toEqual(expect.arrayContaining(['identity', 'Q', 'E', 'P', 'QE', 'EP', 'QP', 'QEP']));
  const after = await names();
  expect(new Set(after).size).toBe(after.length);
  expect(after).not.toContain('int8');
  await lab.press(lab.button('Take back the last change of the list'));
  await expect.poll(names).toEqual(before);
  await lab.press(lab.button('Add a set…'));
  await lab.press(lab.button('Add Black-box study'));
  await expect.poll(names).toContain('QEP skip 2');

  // How to measure is remembered, too.
  await page.getByLabel('CPU threads').selectOption('1');
  await page.getByLabel('Protocol').selectOption('standard');
  await lab.openModel({ name: 'bands.onnx', bytes: bandModel() });
  await expect(lab.modelButton()).toContainText('bands');
  await lab.show('Run');
  await lab.press(lab.button('Add a set…'));
  await expect(page.getByRole('dialog')).toContainText('no identical blocks to skip');
  await lab.press(lab.button('Add the recipes of digits'));
  await expect(lab.notice(/recipes do not suit bands/)).toContainText('E skip 2');
  await expect.poll(names).toContain('Q');
  await lab.isKept();
  await page.reload();
  await expect(lab.measureButton()).toBeAttached({ timeout: 30_000 });
  await lab.show('Run');
  await expect(page.getByLabel('CPU threads')).toHaveValue('1');
  await expect(page.getByLabel('Protocol')).toHaveValue('standard');
  await expect.poll(names).toContain('Q');
});

test('the files of a variant run elsewhere and compute what the original does @desktop', async ({ lab }) => {
  await lab.visit();
  const image = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.sin(i / 7) + Math.cos(i / 31));
  const input = new Tensor('float32', image, [1, 3, 32, 32]);
  const original = await run(sampleModel, { image: input });

  // One file: the model up to its second exit.
  await writeRecipe(lab, [{ op: 'early-exit', kind: 'existing', exit: 1 }]);
  const exit = await download(lab);
  expect(exit.name).toMatch(/\.onnx$/);
  const early = await run(exit.bytes, { image: input });
  expect([...early.keys()]).toEqual(['exit_2']);
  expect(maxDifference(early.get('exit_2'), original.get('exit_2'))).toBeLessThan(1e-4);
  expect(exit.bytes.length).toBeLessThan(sampleModel.length / 2);

  // Two files and the plan that says how they follow each other.
  await lab.show('Graph');
  await lab.press(lab.page.getByTestId('add-cut'));
  await lab.press(lab.button('Remove fixed exit'));
  const parts = unzipSync((await download(lab)).bytes);
  const { plan } = JSON.parse(new TextDecoder().decode(parts['plan.json'])) as { plan: VariantPlan };
  expect(plan.segments).toHaveLength(2);
  const values = new Map<string, Tensor>([['image', input]]);
  for (const segment of plan.segments) {
    const feeds = Object.fromEntries(
      segment.inputs.map(({ name }) => [name, values.get(name) ?? missing(name)]),
    );
    const bytes = parts[segment.file] ?? missing(segment.file);
    for (const [name, value] of await run(bytes, feeds)) values.set(name, value);
  }
  expect(values.size).toBeGreaterThan(2);
  expect(maxDifference(values.get('logits'), original.get('logits'))).toBeLessThan(1e-4);

  // Compressed weights: another file, nearly the same answer.
  await writeRecipe(lab, [{ op: 'quantize', mode: 'dynamic' }]);
  const int8 = await download(lab);
  expect(int8.bytes.length).toBeLessThan(0.4 * sampleModel.length);
  const coarse = await run(int8.bytes, { image: input });
  const difference = maxDifference(coarse.get('logits'), original.get('logits'));
  expect(difference).toBeGreaterThan(0);
  expect(difference).toBeLessThan(0.2 * Math.max(...floats(original.get('logits')).map(Math.abs)));
});

async function download(lab: Lab) {
  await lab.show('Recipe');
  await expect(lab.button('More about this recipe')).toBeEnabled();
  await lab.press(lab.button('More about this recipe'));
  return lab.download(lab.page.getByRole('menuitem', { name: /^Download the variant/ }));
}

/** In native ONNX Runtime, not optimized. */
async function run(bytes: Uint8Array, feeds: Readonly<Record<string, Tensor>>): Promise<Map<string, Tensor>> {
  const session = await InferenceSession.create(bytes, {
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4,
    intraOpNumThreads: 1,
  });
  const results = Object.entries(await session.run(feeds));
  await session.release();
  return new Map(results as [string, Tensor][]);
}

function floats(tensor: Tensor | undefined): number[] {
  return [...((tensor?.data ?? []) as Float32Array)];
}

function maxDifference(a: Tensor | undefined, b: Tensor | undefined): number {
  const [left, right] = [floats(a), floats(b)];
  expect(left).toHaveLength(right.length);
  expect(left.length).toBeGreaterThan(0);
  return Math.max(...left.map((value, i) => Math.abs(value - (right[i] ?? 0))));
}

function missing(what: string): never {
  throw new Error(`${what} is missing`);
}
