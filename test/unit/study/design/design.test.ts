import { describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/base/result.ts';
import { TRIAL_COLUMNS } from '../../../../src/study/csv/trial-columns.ts';
import { cellsOf, type StudyDesign, withAxis, withExcluded } from '../../../../src/study/design/design.ts';
import { designFromPreset, mergedRecipes } from '../../../../src/study/design/design-from-preset.ts';
import { plannedCells, refusalKey } from '../../../../src/study/design/excluded-cells.ts';
import { leftOutLines } from '../../../../src/study/design/left-out-lines.ts';
import { PRESETS } from '../../../../src/study/design/presets.ts';
import { parseDesign, serialiseDesign } from '../../../../src/study/design/read-design.ts';
import { checkRecipe } from '../../../../src/transforms/build-variant.ts';
import { digits, factsOf, mobilenet, subjectOf } from './planned.ts';

function presetDesign(id: string, ...models: readonly (typeof digits)[]): StudyDesign {
  const preset = PRESETS.find((each) => each.id === id);
  if (!preset) throw new Error(`no preset ${id}`);
  return designFromPreset(preset, subjectOf(...models)).design;
}

/** A plan as anybody may edit it. */
type Json = { readonly protocol: object; readonly recipes: readonly object[] };

const states = (design: StudyDesign, facts = factsOf(digits, mobilenet)) => {
  const kinds = plannedCells(design, facts).map(({ state }) => state.kind);
  const count = (kind: string) => kinds.filter((each) => each === kind).length;
  return {
    all: kinds.length,
    measured: count('measured'),
    excluded: count('excluded'),
    impossible: count('impossible'),
  };
};

describe('a plan', () => {
  it('measures the product of its axes less what is excluded or impossible, each strategy once', () => {
    const design: StudyDesign = {
      ...presetDesign('black-box', digits, mobilenet),
      providers: ['wasm', 'webgpu'],
      threads: [1, 2],
      inputSizes: [null, { height: 160, width: 160 }],
    };
    const { models, recipes, placements } = design;
    const counted = states(design);
    expect(counted.all).toBe(models.length * recipes.length * placements.length * 2 * 2 * 2);
    expect(counted.measured + counted.excluded + counted.impossible).toBe(counted.all);
    expect(counted.measured).toBeGreaterThan(0);
    const strategies = plannedCells(design, factsOf(digits, mobilenet)).flatMap(({ state }) =>
      state.kind === 'measured' ? [state.strategy] : [],
    );
    expect(new Set(strategies.map(({ id }) => id)).size).toBe(strategies.length);
    expect(new Set(strategies.map(({ name }) => name)).size, 'names tell them apart').toBe(strategies.length);
  });

  it('leaves out exactly the cells that are excluded, and takes them back', () => {
    const design = presetDesign('edge-compression', digits);
    const [first, second] = cellsOf(design).map(({ key }) => key) as [string, string];
    const less = withExcluded(design, [first, second], true);
    expect(states(less).measured).toBe(states(design).measured - 2);
    expect(withExcluded(less, [second, first], false)).toEqual(design);
  });

  it('leaves out on new values of an axis what is left out on all its others, and nothing else', () => {
    const design = presetDesign('black-box', digits);
    const lone = cellsOf(design).find(({ recipe }) => recipe.name === 'identity')?.key ?? '';
    const less = withExcluded(design, [lone], true);
    const before = states(less).measured;
    expect(before).toBe(states(design).measured - 1);
    const wider = withAxis(less, 'threads', ['auto', 1]);
    expect(states(wider).measured).toBe(2 * before);
    expect(withAxis(less, 'threads', less.threads)).toEqual(less);
    const here = withAxis(less, 'placements', [null, ...less.placements]);
    expect(states(here).measured, 'every recipe is on some placement').toBe(before + less.recipes.length);
  });

  it.each([
    ['no WebGPU here', { providers: ['webgpu'] }, {}],
    ['is not here: open it', {}, { views: new Map() }],
    ['images of one size only', { inputSizes: [{ height: 64, width: 64 }] }, {}],
    [
      'takes 2 parts, fp16 has 1',
      { placements: presetDesign('black-box', digits).placements.slice(3, 4) },
      {},
    ],
    [
      'it has no weights',
      {},
      { refusals: new Map([[refusalKey('digits', [{ op: 'identity' }]), 'it has no weights']]) },
    ],
  ])('tells why cells are impossible: %s', (reason, axes, facts) => {
    const design = { ...presetDesign('edge-compression', digits), ...(axes as Partial<StudyDesign>) };
    const reasons = plannedCells(design, { ...factsOf(digits), ...facts }).flatMap(({ state }) =>
      state.kind === 'impossible' ? [state.reason] : [],
    );
    expect(reasons.join('\n')).toContain(reason);
  });

  it('measures what is called automatic here once, beside the same asked for by name', () => {
    const design: StudyDesign = { ...presetDesign('edge-compression', digits), threads: ['auto', 2, 1] };
    const { recipes } = design;
    expect(states(design)).toMatchObject({ measured: 2 * recipes.length, impossible: recipes.length });
  });

  it('keeps recipes of models that differ apart, and the same once', () => {
    const model = (modelId: string) => ({ modelId, modelName: `${modelId}.onnx` });
    const identity = { name: 'identity', recipe: [{ op: 'identity' }] } as const;
    const early = (exit: number) =>
      ({ name: 'E', recipe: [{ op: 'early-exit', kind: 'existing', exit }] }) as const;
    const merged = mergedRecipes([
      { model: model('a'), recipes: [identity, early(0)] },
      { model: model('b'), recipes: [identity, early(1)] },
    ]);
    expect(merged.map(({ name, modelIds }) => [name, modelIds])).toEqual([
      ['identity', undefined],
      ['E', ['a']],
      ['E of b', ['b']],
    ]);
  });
});

describe('a plan as a file', () => {
  const design: StudyDesign = {
    ...presetDesign('black-box', digits, mobilenet),
    threads: ['auto', 1],
    inputSizes: [null, { height: 160, width: 128 }],
    order: 'information',
    budgetMs: 60_000,
  };

  it('is read as what was written, of every preset', () => {
    expect(parseDesign(serialiseDesign(design))).toEqual(design);
    for (const { id } of PRESETS) {
      const made = presetDesign(id, digits, mobilenet);
      expect(parseDesign(serialiseDesign(made)), id).toEqual(made);
    }
  });

  it('forgets what was excluded of an entry that is gone', () => {
    const less = { ...design, placements: design.placements.slice(0, 1) };
    expect(() => parseDesign(serialiseDesign(less))).not.toThrow();
  });

  it.each<[string, string, (json: Json) => unknown]>([
    ['plan-not-json', 'cut off', () => null],
    ['plan-is-study', 'found that of a study', (json) => ({ ...json, format: 'paretoscope-study' })],
    ['plan-newer-version', 'formatVersion: found 2', (json) => ({ ...json, formatVersion: 2 })],
    [
      'plan-invalid',
      'protocol.rounds: found 0',
      (json) => ({ ...json, protocol: { ...json.protocol, rounds: 0 } }),
    ],
    [
      'plan-invalid',
      'protocol.rounds: found 1000000000000, wanted 1 to 10000',
      (json) => ({ ...json, protocol: { ...json.protocol, rounds: 1e12 } }),
    ],
    ['plan-invalid', 'threads[0]: found 0', (json) => ({ ...json, threads: [0] })],
    ['plan-invalid', 'models: found []', (json) => ({ ...json, models: [] })],
    [
      'plan-invalid',
      'recipes[1]: found "identity"',
      (json) => ({ ...json, recipes: [json.recipes[0], json.recipes[0]] }),
    ],
    [
      'plan-invalid',
      'recipes[0].recipe: ',
      (json) => ({ ...json, recipes: [{ name: 'x', recipe: [{ op: 'quantise' }] }] }),
    ],
    [
      'plan-invalid',
      'inputSizes[0].width: found 0',
      (json) => ({ ...json, inputSizes: [{ height: 8, width: 0 }] }),
    ],
    ['plan-invalid', 'excluded[0]: found', (json) => ({ ...json, excluded: ['["digits","Q"]'] })],
    [
      'plan-invalid',
      'recipes[0].modelIds[0]: found "nobody"',
      (json) => ({ ...json, recipes: [{ name: 'x', recipe: [], modelIds: ['nobody'] }] }),
    ],
    [
      'plan-invalid',
      'budgetMS: found 1, wanted no field of this name; perhaps "budgetMs"?',
      (json) => ({ ...json, budgetMS: 1 }),
    ],
    [
      'plan-invalid',
      'protocol.mostWarmupRuns: found 50, wanted no field of this name; perhaps "mostWarmUpRuns"',
      (json) => ({ ...json, protocol: { ...json.protocol, mostWarmupRuns: 50 } }),
    ],
    [
      'plan-invalid',
      'recipes[0].models: found [], wanted no field of this name; perhaps "modelIds"?',
      (json) => ({ ...json, recipes: [{ name: 'x', recipe: [], models: [] }] }),
    ],
  ])('that was edited is refused as %s, naming the place: %s', (code, message, edit) => {
    const text = serialiseDesign(design);
    const edited = edit(JSON.parse(text));
    let failure: unknown = null;
    try {
      parseDesign(edited === null ? text.slice(0, 100) : JSON.stringify(edited));
    } catch (thrown) {
      failure = thrown instanceof InputError ? thrown.failure : thrown;
    }
    expect(failure).toMatchObject({ code });
    const { message: told, hint } = failure as { message: string; hint: string };
    expect(`${told} ${hint}`).toContain(message);
  });
});

describe('cells that are left out', () => {
  it('are told in a line for each sort of reason', () => {
    const lines = (design: StudyDesign, facts = factsOf(digits)) => leftOutLines(plannedCells(design, facts));
    const blackBox = presetDesign('black-box', digits);
    const [parts, ...more] = lines(blackBox);
    expect(parts).toBe(
      '12 cells are left out: a placement for 2 (mobile-edge, edge-cloud, mobile-cloud) cannot hold 1 part (identity, Q, E, QE).',
    );
    expect(more).toEqual([]);
    const [only] = lines({
      ...blackBox,
      recipes: blackBox.recipes.slice(0, 1),
      placements: blackBox.placements.filter((placement) => placement?.name === 'mobile-edge'),
    });
    expect(only).toBe('1 cell is left out: mobile-edge takes 2 parts, identity has 1.');
    const twice: StudyDesign = { ...presetDesign('sustained', digits), providers: ['auto', 'wasm'] };
    expect(lines(twice)).toEqual(['1 cell is left out: it is the same as identity · wasm.']);
    const many = Array.from({ length: 12 }, (_, at) => ({
      name: `r${at}`,
      recipe: [],
      modelIds: ['mobilenet'],
    }));
    const [others] = lines({ ...presetDesign('sustained', digits), recipes: many });
    expect(others).toContain('12 cells are left out: their recipes were made for other models (r0, ');
    expect(others).toContain('r7 and 4 more)');
  });
});

describe('presets', () => {
  it.each(PRESETS.map((preset) => [preset.id, preset] as const))(
    '%s fits models, and says all of itself',
    (_, preset) => {
      expect(preset.steps.length).toBeGreaterThan(1);
      const columns = new Set(TRIAL_COLUMNS.map(({ name }) => name));
      expect(preset.metrics.length).toBeGreaterThan(3);
      for (const { label, csv } of preset.metrics) {
        expect(csv.length, label).toBeGreaterThan(0);
        for (const name of csv) expect(columns, `${label} is found in trials.csv`).toContain(name);
      }
      for (const { model, preset: subject } of [digits, mobilenet]) {
        const { recipes } = preset.recipesFor(subject);
        expect(recipes[0]?.recipe).toEqual([{ op: 'identity' }]);
        expect(new Set(recipes.map(({ name }) => name)).size).toBe(recipes.length);
        for (const { name, recipe } of recipes) expect(() => checkRecipe(model, recipe), name).not.toThrow();
      }
    },
  );

  it('place black-box strategies as the authors did: whole on each tier, in two parts on each pair', () => {
    const design = presetDesign('black-box', mobilenet);
    const measured = plannedCells(design, factsOf(mobilenet)).flatMap(({ cell, state }) =>
      state.kind === 'measured' ? [`${cell.recipe.name} ${cell.placement?.name}`] : [],
    );
    const singles = ['mobile', 'edge', 'cloud'];
    const pairs = ['mobile-edge', 'edge-cloud', 'mobile-cloud'];
    expect(measured.toSorted()).toEqual(
      [
        ...['identity', 'Q', 'E', 'QE'].flatMap((name) => singles.map((tier) => `${name} ${tier}`)),
        ...['P', 'QEP'].flatMap((name) => pairs.map((pair) => `${name} ${pair}`)),
      ].toSorted(),
    );
    expect(design.protocol).toMatchObject({
      images: { kind: 'largest', count: 100 },
      warmUpRuns: 100,
      rounds: 5,
      order: 'sequential',
      perRound: 'all-images',
      rebuildSessions: 'each-strategy',
    });
  });

  it('repeat compression eleven times with the first dropped, and accuracy five times', () => {
    const { protocol, recipes } = presetDesign('edge-compression', digits);
    expect(protocol.warmUpRuns, 'the dropped one').toBe(450);
    expect(protocol).toMatchObject({ rounds: 10, perRound: 'all-images', accuracyRepetitions: 5 });
    expect(recipes.map(({ name }) => name)).toEqual([
      'identity',
      'fp16',
      'int8',
      'sparse 25 %',
      'sparse 50 %',
      'sparse 75 %',
    ]);
  });
});
