import { attempt } from '../base/result.ts';
import { loadDataset, saveDataset } from '../persist/datasets.ts';
import { saveModel } from '../persist/models.ts';
import { cleanUp, loadSession, saveSession } from '../persist/session.ts';
import { loadStudy } from '../persist/studies.ts';
import type { Session } from '../persist/database.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import { digestTrials } from './digest-trials.ts';
import { useLab } from './lab.ts';
import { trialOfNow } from './normalisation-slice.ts';
import type { Lab } from './slice.ts';
import type { ListedRecipe } from './strategy-slice.ts';
import { isUnfinished, UNFINISHED } from './study-slice.ts';

/** State changes are kept when they have settled for this long. */
const settleMs = 400;

/** Looks at the device and brings back what was open last time; the bundled model and images on a first visit. */
export async function startSession(): Promise<void> {
  const session = await attempt(loadSession);
  if (session.ok && session.value?.settings) useLab.setState({ settings: session.value.settings });
  // Looks after the settings, too: what they ask for may not be here any more.
  void useLab.getState().detectDevice();
  const restored = session.ok && session.value !== null && (await restore(session.value));
  if (!restored) {
    const { openModel, openSampleData } = useLab.getState();
    await openModel({ kind: 'sample' });
    await openSampleData();
  }
  useLab.setState({ isStarting: false });
  keepFromNowOn();
  // Whatever an earlier visit left half-written is of no use, and of no hurry.
  setTimeout(() => void attempt(cleanUp), 10_000);
}

/** @returns false if the model is not there any more */
async function restore(session: Session): Promise<boolean> {
  const { openModel, adoptData, openSampleData, showStudy, tell } = useLab.getState();
  const { modelId, datasetId, preprocessing, recipe, strategies, studyId, shelved, normalisations } = session;
  useLab.setState({
    ...(session.tiers && { tierSetup: session.tiers }),
    ...(session.tierProfiles && { tierProfiles: session.tierProfiles }),
    ...(session.profiles && { profiles: session.profiles }),
    ...(session.asked && { asked: session.asked }),
    ...(session.plan && { design: session.plan.design, designLeftOut: session.plan.leftOut }),
  });
  if (modelId === null) return false;
  const shelves = new Map(
    [...(shelved ?? []), [modelId, { recipe, strategies }] as const].map(([id, shelf]) => {
      const { strategies: listed, ...rest } = shelf;
      return [id, { ...rest, listed: numbered(listed) }] as const;
    }),
  );
  useLab.setState({ shelves });
  if (normalisations && datasetId !== null) {
    const state = { kind: 'done', scores: normalisations } as const;
    useLab.setState({ normalisationTrial: { modelId, datasetId, state } });
  }
  if (!(await openModel({ kind: 'kept', id: modelId, fileName: 'The model of your last visit' })))
    return false;
  const data = datasetId === null ? null : await attempt(() => loadDataset(datasetId));
  if (data?.ok && data.value) await adoptData(data.value);
  else await openSampleData();
  if (preprocessing) {
    useLab.getState().stopTryingNormalisations();
    useLab.setState({ preprocessing, preprocessingEdited: true });
  }
  const study = studyId === null ? null : await attempt(() => loadStudy(studyId));
  if (study?.ok && study.value) {
    await digestTrials(study.value.trials);
    showStudy(study.value);
    if (study.value.trials.some(isUnfinished)) tell(UNFINISHED, 'Press Resume to go on with it.');
  }
  return true;
}

/** Recipes as they are listed: numbered, chosen unless said otherwise. */
function numbered(strategies: Session['strategies']): readonly ListedRecipe[] {
  return strategies.map((named, id) => ({
    chosen: true,
    ...named,
    recipe: normaliseRecipe(named.recipe),
    id,
  }));
}

function unnumbered(listed: readonly ListedRecipe[]): Session['strategies'] {
  return listed.map(({ id: _number, ...named }) => named);
}

/**
 * Writes down what is open whenever it changes, and what is not yet written when the page is left. Large files are
 * written once, when they are opened. `data-kept` on the document tells whether all of it is written.
 */
function keepFromNowOn(): void {
  let keptModelId =
    useLab.getState().model?.source.kind === 'kept' ? useLab.getState().model?.view.modelId : null;
  let keptDataId: string | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let isWriting = false;

  const write = async () => {
    timer = null;
    // One at a time; what changes meanwhile schedules another.
    if (isWriting) return schedule();
    isWriting = true;
    const { model, data, reportFailure } = useLab.getState();
    if (model && model.view.modelId !== keptModelId) {
      const { view, source, file, external } = model;
      keptModelId = view.modelId;
      // One that was kept before is read from there: writing it anew would take its files away.
      if (source.kind !== 'kept') {
        const files = { file, fileName: view.fileName, externalFiles: external };
        const saved = await saveModel(view.modelId, files, Date.now());
        if (!saved.ok) reportFailure(`${view.fileName} is not kept on this device`, saved.failure);
      }
    }
    if (data && data.dataset.id !== keptDataId) {
      keptDataId = data.dataset.id;
      const saved = await saveDataset(data, Date.now());
      if (!saved.ok) reportFailure(`${data.dataset.name} is not kept on this device`, saved.failure);
    }
    const saved = await saveSession(sessionOf(useLab.getState()));
    if (!saved.ok) reportFailure('The state of this page is not kept', saved.failure);
    isWriting = false;
    noteKept(timer === null);
  };
  const schedule = () => {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => void write(), settleMs);
    noteKept(false);
  };
  schedule();
  useLab.subscribe((lab, before) => {
    // Trials are kept one by one as they change: of a study, the session knows which one it is.
    const isOther = lab.study?.id !== before.study?.id;
    if (isOther || keptParts.some((part) => lab[part] !== before[part])) schedule();
  });
  addEventListener('pagehide', () => {
    if (timer === null) return;
    clearTimeout(timer);
    void write();
  });
}

function noteKept(isKept: boolean): void {
  document.documentElement.dataset.kept = String(isKept);
}

const keptParts = [
  'model',
  'data',
  'preprocessing',
  'normalisationTrial',
  'recipes',
  'listed',
  'shelves',
  'settings',
  'tierSetup',
  'tierProfiles',
  'profiles',
  'design',
  'asked',
] as const satisfies (keyof Lab)[];

function sessionOf(lab: Lab): Session {
  const { model, data, preprocessing, preprocessingEdited, recipes, listed, study, shelves, design } = lab;
  const trial = trialOfNow(lab);
  return {
    modelId: model?.view.modelId ?? null,
    datasetId: data?.dataset.id ?? null,
    // A guess is made anew, maybe by a better guesser; what the user set stays.
    preprocessing: preprocessingEdited ? preprocessing : null,
    ...(trial?.state.kind === 'done' && { normalisations: trial.state.scores }),
    recipe: recipes.present,
    strategies: unnumbered(listed),
    studyId: study?.id ?? null,
    settings: lab.settings,
    tiers: lab.tierSetup,
    tierProfiles: lab.tierProfiles,
    profiles: lab.profiles,
    asked: lab.asked,
    ...(design && { plan: { design, leftOut: lab.designLeftOut } }),
    shelved: new Map(
      [...shelves].map(([id, { listed: shelvedList, ...rest }]) => [
        id,
        { ...rest, strategies: unnumbered(shelvedList) },
      ]),
    ),
  };
}
