import { readFileSync } from 'node:fs';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { modelFingerprint } from '../../../src/onnx/model-fingerprint.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { modelToBytes } from '../../../src/onnx/serialize.ts';
import { type StudyDesign, cellsOf } from '../../../src/study/design/design.ts';
import { PRESETS } from '../../../src/study/design/presets.ts';
import { parseDesign, serialiseDesign } from '../../../src/study/design/read-design.ts';
import { parseStudy } from '../../../src/study/study-json.ts';
import { staticOperatorOf } from '../../../src/transforms/quantize/calibrate/calibration.ts';
import { withOpenSize } from '../../fixtures/open-models.ts';
import { pickyDigits } from '../../fixtures/picky-digits.ts';
import { expect, type Lab, test, type TestFile, textOf } from './lab-page.ts';

/** The plan as its file says it. */
async function exported(lab: Lab): Promise<StudyDesign> {
  return parseDesign(textOf(await lab.download(lab.button('Export the plan'))));
}

/** The first cell that a preset measures and the last that is calibrated, else the last; hardly repeated. */
function shortened(plan: StudyDesign, title: string): StudyDesign {
  const {
    mostWarmUpRuns: _steady,
    stopping: _rule,
    referenceSamples: _reference,
    sustained: _duration,
    ...protocol
  } = plan.protocol;
  const meant = cellsOf(plan).filter(({ key }) => !plan.excluded.includes(key));
  const calibrated = meant.findLast(({ recipe }) => staticOperatorOf(recipe.recipe) !== null);
  const kept = [meant[0]?.key, (calibrated ?? meant.at(-1))?.key];
  return {
    ...plan,
    name: `Short ${title}`,
    recipes: plan.recipes.map((named) => ({
      ...named,
      recipe: named.recipe.map((step) =>
        step.op === 'quantize' && step.mode === 'static' ? { ...step, samples: 4 } : step,
      ),
    })),
    excluded: cellsOf(plan).flatMap(({ key }) => (kept.includes(key) ? [] : [key])),
    protocol: {
      ...protocol,
      name: 'custom',
      warmUpRuns: 1,
      rounds: 1,
      samplesPerRound: 2,
      images: { kind: 'largest', count: 2 },
      accuracyImages: 10,
    },
  };
}

test('every preset makes a plan, which is exported, shortened by hand, imported and measured @desktop', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.press(lab.button('Design a study…'));
  for (const { id, title, steps } of PRESETS) {
    await lab.press(lab.button(`Choose ${title}`));
    await expect(lab.button('Measure the plan')).toBeEnabled();
    await lab.press(page.getByText('What is measured', { exact: true }));
    await expect(page.getByText(steps[0] as string)).toBeVisible();
    const plan = await exported(lab);
    expect(plan.preset).toBe(id);
    const short = shortened(plan, title);

    const bytes = new TextEncoder().encode(serialiseDesign(short));
    await lab.pick(lab.button('Import a plan'), [{ name: 'plan.json', bytes }]);
    await expect(page.getByRole('heading', { name: short.name })).toBeVisible();
    await expect(page.getByRole('status').filter({ hasText: '2 trials' })).toBeVisible();
    expect(await exported(lab)).toEqual(short);
    await lab.press(lab.button('Measure the plan'));
    await lab.studyIsDone();
    const file = await lab.download(page.getByRole('button', { name: 'study.json', exact: true }));
    const { name, trials } = parseStudy(textOf(file));
    expect(name).toContain(short.name);
    expect(trials.map(({ state, samples }) => [state.kind, samples.length])).toEqual([
      ['done', 3],
      ['done', 3],
    ]);
    for (const { strategy, size } of trials) expect(size?.gzipBytes, strategy.name).toBeGreaterThan(1000);
    await lab.press(lab.button('Design a study…'));
    await lab.press(lab.button('Other presets'));
  }
});

const digits = new Uint8Array(readFileSync(new URL('../../../public/samples/digits.onnx', import.meta.url)));
/** The bundled model with its size left open. */
const open: TestFile = {
  name: 'open.onnx',
  bytes: modelToBytes(withOpenSize(parseModel(memorySource(digits), 'digits.onnx'))),
};
/** One that takes other pixels, of one size. */
const picky: TestFile = { name: 'picky.onnx', bytes: pickyDigits(digits) };

/** Both models unchanged, at the size that suits and at half of it. */
function planOfTwo(): StudyDesign {
  const models = [open, picky].map(({ name, bytes }) => ({
    modelId: modelFingerprint(parseModel(memorySource(bytes), name)),
    modelName: name,
  }));
  return {
    format: 'paretoscope-plan',
    formatVersion: 1,
    name: 'Two models',
    models,
    dataset: { datasetId: 'elsewhere', datasetName: 'elsewhere.zip' },
    recipes: [{ name: 'identity', recipe: [{ op: 'identity' }] }],
    placements: [null],
    providers: ['auto'],
    threads: [1],
    inputSizes: [null, { height: 16, width: 16 }],
    excluded: [],
    order: 'as-listed',
    budgetMs: null,
    protocol: {
      name: 'custom',
      warmUpRuns: 1,
      rounds: 1,
      samplesPerRound: 2,
      accuracyImages: 10,
      seed: 1,
    },
  };
}

test('a dropped plan asks for its models, takes them dropped at once, survives a reload and is measured @phone', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.drop([{ name: 'plan.json', bytes: new TextEncoder().encode(serialiseDesign(planOfTwo())) }]);
  await expect(page.getByRole('heading', { name: 'Two models' })).toBeVisible();
  const trials = (count: string) => page.getByRole('status').filter({ hasText: count });
  await expect(trials('0 trials')).toBeVisible();
  await expect(lab.button('Measure the plan')).toBeDisabled();
  const asked = (name: string) => page.getByRole('region', { name, exact: true });
  await expect(asked('open.onnx')).toContainText('open.onnx is not on this device');
  await expect(asked('elsewhere.zip')).toContainText('found digits.zip, wanted elsewhere.zip');

  await lab.drop([{ ...picky, name: 'open.onnx' }]);
  await expect(asked('picky.onnx'), 'whatever it is called').toHaveCount(0);
  await expect(asked('open.onnx')).toBeVisible();
  await lab.drop([open, picky]);
  await expect(trials('3 trials')).toBeVisible();
  await expect(asked('open.onnx')).toHaveCount(0);
  const cell = (size: string, model: string) => lab.button(`identity · ${model}, ${size}`);
  await lab.press(cell('16x16', 'picky'));
  await expect(page.getByText(/picky takes images of one size only/)).toBeVisible();
  await lab.press(cell('own size', 'open'));
  await expect(trials('2 trials')).toBeVisible();

  await lab.isKept();
  await page.reload();
  await lab.show('Run');
  await lab.press(lab.button('Design a study…'));
  await expect(trials('2 trials')).toBeVisible();
  await expect(cell('own size', 'open')).toHaveAttribute('aria-pressed', 'false');
  await lab.press(lab.button('Measure the plan'));
  await lab.studyIsDone();
  await lab.show('Front');
  const study = parseStudy(
    textOf(await lab.download(page.getByRole('button', { name: 'study.json', exact: true }))),
  );
  expect(
    study.trials.map(({ strategy, state, modelName }) => [modelName, strategy.inputSize, state.kind]),
  ).toEqual([
    ['open.onnx', { height: 16, width: 16 }, 'done'],
    ['picky.onnx', undefined, 'done'],
  ]);
});
