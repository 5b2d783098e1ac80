import { attempt, type Failure, ok } from '../base/result.ts';
import { designFacts, differs } from '../clients/planned-model.ts';
import { loadModel, saveModel } from '../persist/models.ts';
import type { StudyDesign } from '../study/design/design.ts';
import { designFromPreset, type DesignSubject } from '../study/design/design-from-preset.ts';
import { preparedKey } from '../study/design/expected-preparation.ts';
import type { SessionCosts } from '../study/design/expected-study.ts';
import { planOf, type PlannedStudy } from '../study/design/planned-study.ts';
import { preparedModels } from '../study/design/prepared-models.ts';
import type { PresetId } from '../study/design/preset-ids.ts';
import { PRESETS } from '../study/design/presets.ts';
import { parseDesign, serialiseDesign } from '../study/design/read-design.ts';
import { evaluationImages, imagesToTrainWith } from '../study/evaluation-images.ts';
import { newStudy } from '../study/new-study.ts';
import { timedImages } from '../study/plan.ts';
import { trainedOn } from '../study/strategy-sets.ts';
import type { Strategy, StudiedModel } from '../study/trial.ts';
import { keyOfCalibration } from '../transforms/quantize/calibrate/calibration.ts';
import {
  askModels,
  inTurn,
  noteProblem,
  openFilesForDesign,
  openForDesign,
  openingSignal,
  takeOpenModel,
  tellFailure,
} from './design-models.ts';
import { expectedOutcomeOf } from './known-costs.ts';
import { sourceOf } from './other-models.ts';

import { useLab } from './lab.ts';
import type { OpenModel } from './model-slice.ts';
import type { Lab } from './slice.ts';
import { besideModel, type PickedFile } from './sort-files.ts';

/** Makes a plan of a preset for the models of the present plan, or for the open one. */
export async function startDesign(presetId: PresetId): Promise<void> {
  const preset = PRESETS.find(({ id }) => id === presetId);
  const { design, model: open } = useLab.getState();
  takeOpenModel();
  const isAboutOpen = design?.models.some(({ modelId }) => modelId === open?.view.modelId) ?? false;
  const models = design && isAboutOpen ? design.models : openOnly();
  if (!preset || models.length === 0) return;
  const made = designFromPreset(preset, subjectOf(models));
  useLab.setState({ design: made.design, designLeftOut: made.leftOut });
  await askModels();
}

/** Opens what the present plan needs, after it was closed. */
export async function resumeDesign(): Promise<void> {
  const { design, reportFailure } = useLab.getState();
  // One of an earlier version of the lab may not be readable any more.
  const read = await attempt(() => design && parseDesign(serialiseDesign(design)));
  if (!read.ok) {
    useLab.setState({ design: null });
    return reportFailure('The plan of your last visit cannot be used any more', read.failure);
  }
  await inTurn(openPlanned);
}

/** Opens the models of the present plan that are on this device; of the others it is kept why they are not. */
async function openPlanned(): Promise<void> {
  const signal = openingSignal();
  takeOpenModel();
  const { design, model: open } = useLab.getState();
  useLab.setState({ designProblems: new Map() });
  for (const model of design?.models ?? []) {
    if (useLab.getState().designModels.has(model.modelId)) continue;
    const opened = await openForDesign(model);
    if (signal.aborted) return;
    if (opened.ok) continue;
    // One of the same name may be taken for it.
    const isMistaken = opened.failure.code === 'model-missing' && open?.view.fileName === model.modelName;
    noteProblem(model, isMistaken ? differs(model, open.view).message : opened.failure.message);
  }
  await askModels();
}

/** Adds a model to the plan, with what its preset compares of it; what does not fit the images is told and left out. */
export async function addDesignModel(
  source: Omit<StudiedModel, 'modelId'> & { modelId?: string },
): Promise<void> {
  const { design } = useLab.getState();
  if (!design) return;
  const added = await inTurn(() => openForDesign({ modelId: '', ...source }));
  if (!added.ok) return tellFailure(source.modelName, added.failure);
  const model: StudiedModel = { ...source, modelId: added.value.modelId };
  if (design.models.some(({ modelId }) => modelId === model.modelId)) return;
  changeModels([...design.models, model]);
  await askModels();
}

/** Takes a model's file for the plan: one that it misses, else one more. */
export async function addModelFile(picked: PickedFile, external: readonly PickedFile[]): Promise<void> {
  const { design, designModels, reportFailure } = useLab.getState();
  if (!design) return;
  const fileName = picked.file.name;
  const files = { file: picked.file, fileName, externalFiles: besideModel(picked, external) };
  const opened = await inTurn(() =>
    openFilesForDesign({ modelId: '', modelName: fileName }, async () => files),
  );
  if (!opened.ok) return tellFailure(fileName, opened.failure);
  const { modelId } = opened.value;
  // The study looks for it there. What is there already may be in use.
  const before = await attempt(() => loadModel(modelId));
  const kept = before.ok && before.value ? ok(null) : await saveModel(modelId, files, Date.now());
  if (!kept.ok) reportFailure(`${fileName} is not kept on this device`, kept.failure);
  if (design.models.some((model) => model.modelId === modelId)) return askModels();
  const namesake = design.models.find(
    (model) => model.modelName === fileName && !designModels.has(model.modelId),
  );
  if (namesake) return noteProblem(namesake, differs(namesake, opened.value).message);
  changeModels([...design.models, { modelId, modelName: fileName }]);
  await askModels();
}

/** Takes a model out of the plan; the last one stays. */
export function removeDesignModel(modelId: string): void {
  const { design } = useLab.getState();
  const left = design?.models.filter((model) => model.modelId !== modelId) ?? [];
  if (left.length > 0) changeModels(left);
}

/** The plan for other models: with what its preset compares of them, and what was excluded. */
function changeModels(models: readonly StudiedModel[]): void {
  const { design, designLeftOut } = useLab.getState();
  if (!design) return;
  const preset = PRESETS.find(({ id }) => id === design.preset);
  const isHere = models.every(({ modelId }) => useLab.getState().designModels.has(modelId));
  // Recipes that were edited are not the preset's any more.
  const own = preset && designFromPreset(preset, subjectOf(design.models)).design.recipes;
  const isOwn = JSON.stringify(own) === JSON.stringify(design.recipes);
  const made = preset && isHere && isOwn ? designFromPreset(preset, subjectOf(models)) : null;
  const kept = new Set(design.models.map(({ modelId }) => modelId));
  const excludedOfNew = (made?.design.excluded ?? []).filter((key) => !kept.has(JSON.parse(key)[0]));
  useLab.setState({
    design: {
      ...design,
      models,
      recipes: made?.design.recipes ?? design.recipes,
      excluded: [...design.excluded, ...excludedOfNew],
    },
    designLeftOut: made?.leftOut ?? designLeftOut,
  });
}

/** Takes a plan in from the text of a plan.json, and shows it. */
export async function importDesign(text: string): Promise<void> {
  const { reportFailure, openDialog } = useLab.getState();
  const read = await attempt(() => parseDesign(text));
  if (!read.ok) return reportFailure('The plan could not be read', read.failure);
  useLab.setState({ design: read.value, designLeftOut: [] });
  openDialog('design');
  await inTurn(openPlanned);
}

/** What the plan comes to on this device, with what is known now; null without one. */
export function plannedStudyOf(lab: Lab): PlannedStudy | null {
  const { design, designModels, data, environment } = lab;
  if (!design || !data || !environment) return null;
  const facts = designFacts(environment, designModels, lab.designProblems);
  const { items } = data.dataset;
  const labels = items.map(({ label }) => label);
  const evaluated = (strategies: readonly Strategy[]) =>
    evaluationImages(design.protocol, strategies, labels).length;
  return planOf(design, facts, {
    environment,
    trials: lab.trials,
    predictedMs: (strategy) => expectedOutcomeOf(lab, strategy)?.totalMeanMs ?? null,
    macsOf: (modelId) => facts.views.get(modelId)?.totals.macs ?? 0,
    bytesOf: (modelId) => facts.views.get(modelId)?.totals.weightBytes ?? 0,
    triedMs: ({ modelId }) => lab.designSpeeds.get(modelId)?.inferenceMs ?? null,
    triedSession: slowest([...lab.designSpeeds.values()].filter((tried) => tried !== null)),
    images: timedImages(design.protocol, items).length,
    evaluated,
    openImages: items.length,
    trainingImages: imagesToTrainWith(labels).length,
    heads: [...designModels.values()].flatMap(({ heads }) => heads),
    calibrated: new Set(
      lab.calibrations.map((each) => preparedKey({ modelId: each.modelId }, keyOfCalibration(each))),
    ),
    forms: lab.formFigures,
  });
}

/** Measures the plan: the open model and others beside it. */
export async function measureDesign(): Promise<void> {
  // The dialog closes meanwhile, and with it what it opened.
  const lab = useLab.getState();
  const { design, reportFailure } = lab;
  if (!design) return;
  const strategies = plannedStudyOf(lab)?.strategies ?? [];
  if (strategies.length === 0) {
    const failure = { code: 'no-strategies', message: 'every cell of the plan is excluded or impossible' };
    return reportFailure('Nothing can be measured yet', failure);
  }
  const { designModels, data } = lab;
  const models = data ? preparedModels(design, strategies, designModels, data.dataset) : [];
  if (!(await openOneOf(design, lab))) return;
  await lab.measurePlanned((subject) => {
    // The open one first: the study is known by it.
    const first = models.filter(({ modelId }) => modelId === subject.modelId);
    const others = models.filter((model) => !first.includes(model));
    const { name } = subject;
    const { protocol, preset } = design;
    return newStudy(
      { ...subject, name: `${design.name}: ${name}`, protocol, preset, models: [...first, ...others] },
      strategies,
      Date.now(),
    );
  });
}

/** A study is about the open model: one of the plan's is opened where the open one is not in it. */
async function openOneOf(
  { models }: StudyDesign,
  { model: open, designModels, openModel, reportFailure }: Lab,
): Promise<boolean> {
  if (models.some(({ modelId }) => modelId === open?.view.modelId)) return true;
  const here = models.find(({ modelId }) => designModels.has(modelId));
  if (!here) {
    reportFailure('Nothing can be measured yet', missingAll);
    return false;
  }
  return openModel(sourceOf(here));
}

const missingAll: Failure = {
  code: 'model-missing',
  message: 'none of the plan’s models is on this device',
  hint: 'Open one of them.',
};

/** The one of the largest model, most likely: little is told too short then. */
function slowest(sessions: readonly SessionCosts[]): SessionCosts | null {
  return sessions.reduce<SessionCosts | null>(
    (worst, each) => (worst === null || each.setupMs > worst.setupMs ? each : worst),
    null,
  );
}

function subjectOf(models: readonly StudiedModel[]): DesignSubject {
  const { model: open, designModels, listed, data, tierSetup, sends } = useLab.getState();
  return {
    models: models.flatMap((model) => {
      const known = designModels.get(model.modelId);
      if (!known) return [];
      const { view, heads } = known;
      const isOpen = model.modelId === open?.view.modelId;
      const chosen = isOpen ? listed.filter((entry) => entry.chosen && !entry.placement) : [];
      const named = chosen.map(({ name, recipe }) => ({ name, recipe }));
      return [{ model, view, trained: trainedOn(view, heads), chosen: named }];
    }),
    dataset: data && { datasetId: data.dataset.id, datasetName: data.dataset.name },
    images: data?.dataset.items.length ?? 0,
    tiers: { sends, setup: tierSetup },
  };
}

function openOnly(): readonly StudiedModel[] {
  const { model } = useLab.getState();
  return model ? [studiedModel(model)] : [];
}

function studiedModel({ view, source }: OpenModel): StudiedModel {
  const own =
    source.kind === 'sample' ? 'sample' : source.kind === 'zoo' ? (`zoo:${source.name}` as const) : null;
  return { modelId: view.modelId, modelName: view.fileName, ...(own && { source: own }) };
}
