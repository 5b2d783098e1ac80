import {
  attempt,
  cancellation,
  failed,
  type Failure,
  InputError,
  ok,
  type Result,
  unlessCancelled,
} from '../base/result.ts';
import { chooseProvider, chooseThreads } from '../clients/capabilities.ts';
import type { ModelClient } from '../clients/model-client.ts';
import { askAboutRecipes, openPlannedModel } from '../clients/planned-model.ts';
import type { VariantTiming } from '../clients/time-variants.ts';
import { trySpeed } from '../clients/try-speed.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { loadHeads } from '../persist/heads.ts';
import type { ModelFiles } from '../persist/models.ts';
import { refusalKey } from '../study/design/excluded-cells.ts';
import { trialsOfDevice } from '../study/design/expected-time.ts';
import type { StudiedModel } from '../study/trial.ts';
import type { DesignModel } from './design-slice.ts';
import { useLab } from './lab.ts';
import { filesOf } from './other-models.ts';
import type { Lab } from './slice.ts';
import { busyDevice } from './work-under-way.ts';
import { modelWorker } from './workers.ts';

/** Workers of the plan's models that are not open, to ask them about recipes; ended with `closeDesign`. */
const workers = new Map<string, ModelClient>();

/** Ends what is being opened when the plan is closed. */
let ends = new AbortController();

/** The signal that closing the plan aborts; a new one after that. */
export function openingSignal(): AbortSignal {
  if (ends.signal.aborted) ends = new AbortController();
  return ends.signal;
}

/** Models are opened one after the other, whoever asks for them: none twice. */
let lastOpening: Promise<unknown> = Promise.resolve();

export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const turn = lastOpening.then(work);
  lastOpening = turn.catch(() => {});
  return turn;
}

/** Ends what was opened for a plan; the plan itself stays. */
export function closeDesign(): void {
  ends.abort();
  for (const client of workers.values()) client.terminate();
  workers.clear();
  // Without a worker nothing more can be asked of them.
  const { model, designModels } = useLab.getState();
  const open = model && designModels.get(model.view.modelId);
  useLab.setState({
    designModels: new Map(model && open ? [[model.view.modelId, open]] : []),
    designing: null,
    designProblems: new Map(),
  });
}

/** The open model belongs to those that are known. */
export function takeOpenModel(): void {
  const { model, preprocessing, heads } = useLab.getState();
  if (!model || !preprocessing) return;
  const { view } = model;
  // It is asked again: exits may have been trained since.
  know(view.modelId, { view, preprocessing, heads, refusals: new Map() });
}

function know(modelId: string, model: DesignModel): void {
  useLab.setState(({ designModels, designProblems }) => ({
    designModels: new Map([...designModels, [modelId, model]]),
    designProblems: new Map([...designProblems].filter(([id]) => id !== modelId)),
  }));
}

/**
 * Opens a model beside the open one, and finds out how its images are prepared.
 * @param model whose id, where it is known, must be what its file has
 * @returns its graph
 */
export function openForDesign(model: StudiedModel) {
  return openFilesForDesign(model, () => filesOf(model));
}

export async function openFilesForDesign(
  model: StudiedModel,
  find: () => Promise<ModelFiles>,
): Promise<Result<GraphView>> {
  const { signal } = ends;
  const { data, environment } = useLab.getState();
  const tell = (designing: string | null) => useLab.setState({ designing });
  tell(`Opening ${model.modelName}`);
  const opened = await attempt(async () => {
    if (!data || !environment) throw new InputError({ code: 'no-images', message: 'no images are open' });
    const { file: modelFile, fileName, externalFiles } = await find();
    const files = { modelFile, fileName, externalFiles };
    const planned = await openPlannedModel(model, files, { data, environment }, () => {}, signal);
    const { modelId } = planned.view;
    const subject = { modelId, datasetId: data.dataset.id, preprocessing: planned.preprocessing };
    // Without them their exits are trained anew.
    const heads = await attempt(() => loadHeads(subject));
    return { ...planned, heads: heads.ok ? heads.value : [] };
  });
  if (signal.aborted) {
    if (opened.ok) opened.value.client.terminate();
    return failed(cancellation('Opening'));
  }
  tell(null);
  if (!opened.ok) return opened;
  const { client, view, preprocessing, heads } = opened.value;
  await client.api.useHeads(heads);
  workers.get(view.modelId)?.terminate();
  workers.set(view.modelId, client);
  know(view.modelId, { view, preprocessing, heads, refusals: new Map() });
  return ok(view);
}

export function tellFailure(modelName: string, failure: Failure): void {
  const told = unlessCancelled(failure);
  if (told) useLab.getState().reportFailure(`${modelName} cannot be in the study`, told);
}

export function noteProblem({ modelId }: StudiedModel, problem: string): void {
  useLab.setState(({ designProblems }) => ({
    designProblems: new Map([...designProblems, [modelId, problem]]),
  }));
}

/** Asks models about recipes of the plan that they were not asked about yet. */
export async function askModels(): Promise<void> {
  const { design, model: open } = useLab.getState();
  for (const { modelId } of design?.models ?? []) {
    const worker = modelId === open?.view.modelId ? modelWorker() : workers.get(modelId)?.api;
    const known = useLab.getState().designModels.get(modelId);
    if (!worker || !known) continue;
    const asked = (design?.recipes ?? []).filter(
      ({ recipe }) => !known.refusals.has(refusalKey(modelId, recipe)),
    );
    const answers = await askAboutRecipes(worker, modelId, asked);
    know(modelId, { ...known, refusals: new Map([...known.refusals, ...answers]) });
  }
  void tryModels();
}

/** Tries each model of the plan for a moment, if nothing tells yet how fast it runs here and nothing else is running. */
async function tryModels(): Promise<void> {
  if (useLab.getState().designTrying) return;
  const signal = openingSignal();
  for (let trying; (trying = untriedModel(useLab.getState())) !== null && !signal.aborted; ) {
    const { modelId, timing } = trying;
    useLab.setState({ designTrying: true });
    const tried = await trySpeed(timing, signal);
    useLab.setState(({ designSpeeds }) => ({
      designTrying: false,
      // What cannot be run tells so in the study, and is not tried again; its time is assumed.
      ...(!signal.aborted && {
        designSpeeds: new Map([...designSpeeds, [modelId, tried.ok ? tried.value : null]]),
      }),
    }));
  }
}

/** The first model of the plan of whose speed here nothing is known; null: none, or nothing can be timed now. */
function untriedModel(lab: Lab): { readonly modelId: string; readonly timing: VariantTiming } | null {
  const { design, data, environment, designModels, designSpeeds, trials, model: open } = lab;
  if (!data || !environment || busyDevice(lab)) return null;
  const measured = new Set(
    trialsOfDevice(trials, environment).flatMap(({ strategy, samples }) =>
      samples.length > 0 ? [strategy.modelId] : [],
    ),
  );
  for (const { modelId } of design?.models ?? []) {
    const known = designModels.get(modelId);
    const model = modelId === open?.view.modelId ? modelWorker() : workers.get(modelId)?.api;
    if (!known || !model || measured.has(modelId) || designSpeeds.has(modelId)) continue;
    const provider = chooseProvider(environment, known.view.totals.macs);
    const threads = chooseThreads(environment);
    const { preprocessing } = known;
    return { modelId, timing: { model, data, preprocessing, provider, threads } };
  }
  return null;
}
