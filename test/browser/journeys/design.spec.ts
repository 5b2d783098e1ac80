import { type StudyDesign, cellsOf } from '../../../src/study/design/design.ts';
import { PRESETS } from '../../../src/study/design/presets.ts';
import { parseDesign, serialiseDesign } from '../../../src/study/design/read-design.ts';
import { parseStudy } from '../../../src/study/study-json.ts';
import { staticOperatorOf } from '../../../src/transforms/quantize/calibrate/calibration.ts';
import { expect, type Lab, test, textOf } from './lab-page.ts';

/** The plan as its file says it. */
async function exported(lab: Lab): Promise<StudyDesign> {
  return parseDesign(textOf(await lab.download(lab.button('Export the plan'))));
}

/** The first and the last cell that a preset measures and nothing is calibrated for, hardly repeated. */
function shortened(plan: StudyDesign, title: string): StudyDesign {
  const {
    mostWarmUpRuns: _steady,
    stopping: _rule,
    referenceSamples: _reference,
    sustained: _duration,
    ...protocol
  } = plan.protocol;
  const meant = cellsOf(plan)
    .filter(({ key, recipe }) => !plan.excluded.includes(key) && staticOperatorOf(recipe.recipe) === null)
    .map(({ key }) => key);
  const kept = [meant[0], meant.at(-1)];
  return {
    ...plan,
    name: `Short ${title}`,
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
    await lab.press(lab.button('Design a study…'));
    await lab.press(lab.button('Other presets'));
  }
});
