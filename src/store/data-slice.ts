import { attempt, type Failure } from '../base/result.ts';
import { fetchOwn } from '../clients/own-files.ts';
import { guessPreprocessing } from '../data/guess-preprocessing.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { Slice } from './slice.ts';
import type { PickedFile } from './sort-files.ts';
import { busyStudy } from './work-under-way.ts';
import { dataWorker, stopDataWorker } from './workers.ts';

/** Long work under way, for a progress line: what, and how far as a share in [0, 1] (null: unknown). */
export interface Progress {
  readonly what: string;
  readonly share: number | null;
}

export interface DataSlice {
  readonly data: LoadedDataset | null;
  readonly openingData: Progress | null;
  /** How an image becomes the model's input; null without a model, or if no image fits it. */
  readonly preprocessing: Preprocessing | null;
  readonly preprocessingReasons: readonly string[];
  readonly preprocessingProblem: Failure | null;
  /** True once the user changed the guess. */
  readonly preprocessingEdited: boolean;
  readonly openData: (files: readonly PickedFile[]) => Promise<void>;
  readonly openSampleData: () => Promise<void>;
  readonly cancelOpeningData: () => void;
  readonly adoptData: (data: LoadedDataset) => Promise<void>;
  readonly editPreprocessing: (change: Partial<Preprocessing>) => void;
  /** Guesses anew from the model and the images; labelled images are tried where that is still open. */
  readonly guessPreprocessingAgain: () => Promise<void>;
}

export const createDataSlice: Slice<DataSlice> = (set, get) => {
  /** Counts openings, so that one overtaken by another is dropped. */
  let turn = 0;
  const open = async (files: readonly { readonly path: string; readonly file: Blob }[], name: string) => {
    const busy = busyStudy(get());
    if (busy) return get().reportFailure('No other images can be opened now', busy);
    stopDataWorker();
    const mine = ++turn;
    set({ openingData: { what: `Reading ${name}`, share: null } });
    const result = await dataWorker().open(files, name, (done, total) => {
      if (mine === turn)
        set({ openingData: { what: `Reading ${name}`, share: total > 0 ? done / total : null } });
    });
    if (mine !== turn) return;
    set({ openingData: null });
    if (result.ok) await get().adoptData(result.value);
    else get().reportFailure(`The images in ${name} could not be opened`, result.failure);
  };
  return {
    data: null,
    openingData: null,
    preprocessing: null,
    preprocessingReasons: [],
    preprocessingProblem: null,
    preprocessingEdited: false,
    openData: (files) => open(files, nameOfFiles(files)),
    openSampleData: async () => {
      const file = await attempt(() => fetchOwn('samples/digits.zip'));
      if (file.ok) await open([{ path: 'digits.zip', file: file.value }], 'digits.zip');
      else get().reportFailure('The bundled images could not be loaded', file.failure);
    },
    cancelOpeningData: () => {
      turn++;
      stopDataWorker();
      set({ openingData: null });
    },
    adoptData: async (data) => {
      set({ data });
      await get().guessPreprocessingAgain();
    },
    editPreprocessing: (change) =>
      set(({ preprocessing }) =>
        preprocessing ? { preprocessing: { ...preprocessing, ...change }, preprocessingEdited: true } : {},
      ),
    guessPreprocessingAgain: async () => {
      const { model, data } = get();
      // Whatever is tried is tried on what was open before.
      get().stopTryingNormalisations();
      if (!model) return set({ preprocessing: null, preprocessingReasons: [], preprocessingProblem: null });
      const dataset = data?.dataset ?? null;
      const guess = await attempt(() => guessPreprocessing(model.view, dataset, dataset?.imageSize ?? null));
      set(
        guess.ok
          ? {
              preprocessing: guess.value.preprocessing,
              preprocessingReasons: guess.value.reasons,
              preprocessingProblem: null,
              preprocessingEdited: false,
            }
          : { preprocessing: null, preprocessingReasons: [], preprocessingProblem: guess.failure },
      );
      if (guess.ok) get().settleNormalisation();
    },
  };
};

function nameOfFiles(files: readonly PickedFile[]): string {
  const [first] = files;
  if (files.length === 1 && first) return first.file.name;
  const folder = first?.path.split('/').slice(0, -1)[0];
  return folder ?? `${files.length} files`;
}

/** Bytes of one item as the browser can show them; null for raw pixels. */
export function encodedItem(data: LoadedDataset, index: number): Blob | null {
  const item = data.dataset.items[index];
  if (!item || item.encoding.kind !== 'encoded') return null;
  return data.pack.slice(item.offset, item.offset + item.length, item.encoding.mediaType);
}
