import { type Failure, InputError, toFailure } from '../base/result.ts';
import { formatMs } from '../base/units.ts';
import { askAboutRecipes, designFacts, openPlannedModel } from '../clients/planned-model.ts';
import type { StudyInputs } from '../clients/run-study.ts';
import type { StudyModelInputs } from '../clients/study-model.ts';
import { classNamesOf } from '../data/class-names.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { StudyDesign } from '../study/design/design.ts';
import { leftOutLines } from '../study/design/left-out-lines.ts';
import { planOf } from '../study/design/planned-study.ts';
import { preparedModels } from '../study/design/prepared-models.ts';
import { evaluationImages, imagesToTrainWith } from '../study/evaluation-images.ts';
import { newStudy } from '../study/new-study.ts';
import { timedImages } from '../study/plan.ts';
import type { Environment, StudiedModel, Study } from '../study/trial.ts';
import type { ModelFiles } from './headless-files.ts';

/** A plan's study, ready to run. */
interface PlanToRun {
  readonly study: Study;
  readonly inputs: StudyInputs;
}

interface HereModel {
  readonly view: GraphView;
  readonly preprocessing: Preprocessing;
  readonly refusals: ReadonlyMap<string, string | null>;
  readonly files: StudyModelInputs;
}

/**
 * The study of a plan on this device: opens its models, and tells which cells are left out and why.
 * @param filesOf the files of a model of the plan; null: it is not here
 * @throws InputError `no-strategies` if every cell is excluded or impossible
 */
export async function planToRun(
  design: StudyDesign,
  place: { readonly data: LoadedDataset; readonly environment: Environment },
  filesOf: (model: StudiedModel) => Promise<ModelFiles | null>,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<PlanToRun> {
  const { data, environment } = place;
  const { dataset } = data;
  if (design.dataset !== null && design.dataset.datasetId !== dataset.id)
    tell(`The plan was made for other images: found ${dataset.name}, wanted ${design.dataset.datasetName}.`);
  const models = new Map<string, HereModel>();
  const problems = new Map<string, string>();
  for (const model of design.models) {
    try {
      const here = await openHere(model);
      if (here) models.set(model.modelId, here);
    } catch (thrown) {
      // Its cells are left out with that.
      problems.set(model.modelId, toFailure(thrown).message);
    }
  }

  async function openHere(model: StudiedModel): Promise<HereModel | null> {
    const found = await filesOf(model);
    if (found === null) return null;
    const { file: modelFile, fileName, externalFiles } = found;
    const files = { modelFile, fileName, externalFiles };
    const { client, view, preprocessing } = await openPlannedModel(model, files, place, tell, signal);
    const { modelId } = view;
    const refusals = await askAboutRecipes(client.api, modelId, design.recipes);
    client.terminate();
    return { view, preprocessing, refusals, files };
  }

  const facts = designFacts(environment, models, problems);
  const labels = dataset.items.map(({ label }) => label);
  const planned = planOf(design, facts, {
    environment,
    trials: [],
    predictedMs: () => null,
    triedMs: () => null,
    triedSession: null,
    bytesOf: (modelId) => models.get(modelId)?.view.totals.weightBytes ?? 0,
    macsOf: (modelId) => models.get(modelId)?.view.totals.macs ?? 0,
    images: timedImages(design.protocol, dataset.items).length,
    openImages: labels.length,
    trainingImages: imagesToTrainWith(labels).length,
    heads: [],
    calibrated: new Set(),
    forms: [],
    evaluated: (strategies) => evaluationImages(design.protocol, strategies, labels).length,
  });
  for (const line of leftOutLines(planned.cells)) tell(line);
  const { strategies } = planned;
  const prepared = preparedModels(design, strategies, models, dataset);
  const [first] = prepared;
  const own = first && models.get(first.modelId);
  if (!first || !own) {
    throw new InputError(
      planned.cells.some(({ state }) => state.kind === 'excluded') ? nothingLeft : noModelHere,
    );
  }
  tell(
    `${design.name}: ${strategies.length} ${strategies.length === 1 ? 'strategy' : 'strategies'}. Nothing was measured yet, so that may take ${planned.likelyMs.map(formatMs).join(' to ')}.`,
  );
  const subject = {
    name: `${design.name}: ${first.modelName} on ${dataset.name}`,
    modelId: first.modelId,
    modelName: first.modelName,
    datasetId: dataset.id,
    datasetName: dataset.name,
    classNames: classNamesOf(dataset, own.view, first.preprocessing.classOffset),
    preprocessing: first.preprocessing,
    protocol: design.protocol,
    preset: design.preset,
    environment,
    models: prepared,
  };
  const otherModels = new Map(
    [...models].flatMap(([id, { files }]) => (id === first.modelId ? [] : [[id, files] as const])),
  );
  return {
    study: newStudy(subject, strategies, Date.now()),
    inputs: { ...own.files, otherModels, data, environment },
  };
}

/** What a plan comes to without any of its models. */
export const noModelHere: Failure = {
  code: 'no-strategies',
  message: 'every cell of the plan is excluded or impossible here',
  hint: 'Give its models with --model, or export it again.',
};

/** What a plan comes to of whose possible cells none is to be measured. */
const nothingLeft: Failure = {
  code: 'no-strategies',
  message: 'excluded: found every cell of the plan that is possible here, wanted at least one to measure',
  where: 'excluded',
  hint: 'Take some out of "excluded" in the plan, or include them in the app (Design a study).',
};
