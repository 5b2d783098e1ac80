import { formatBytes } from '../base/units.ts';
import { attempt, InputError, type Result } from '../base/result.ts';
import { openDownloadClient } from '../clients/download-client.ts';
import type { ModelClient } from '../clients/model-client.ts';
import { fetchOwn } from '../clients/own-files.ts';
import { isCountedAt } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { loadModel } from '../persist/models.ts';
import type { Progress } from './data-slice.ts';
import { whyNotMeasurable } from './selectors.ts';
import type { Slice } from './slice.ts';
import { besideModel, type PickedFile } from './sort-files.ts';
import { busyStudy } from './work-under-way.ts';
import { adoptModelWorker, modelWorker, takeModelWorker } from './workers.ts';

/** Where a model comes from. */
export type ModelSource =
  | { readonly kind: 'sample' }
  | { readonly kind: 'zoo'; readonly name: string }
  | { readonly kind: 'url'; readonly url: string }
  /** One of an earlier visit, still on this device. */
  | { readonly kind: 'kept'; readonly id: string; readonly fileName: string }
  | { readonly kind: 'file'; readonly file: PickedFile; readonly external: readonly PickedFile[] };

export interface OpenModel {
  readonly view: GraphView;
  /** For people, without the extension. */
  readonly name: string;
  readonly source: ModelSource;
  readonly file: Blob;
  /** Weights in other files, by the location name the model uses. */
  readonly external: readonly { readonly location: string; readonly file: Blob }[];
}

export interface ModelSlice {
  readonly model: OpenModel | null;
  readonly openingModel: Progress | null;
  /** Opens a model in place of the present one, which stays if that fails. */
  readonly openModel: (source: ModelSource) => Promise<boolean>;
  readonly cancelOpeningModel: () => void;
}

interface FetchedModel {
  readonly fileName: string;
  readonly file: Blob;
  readonly external: OpenModel['external'];
}

export const createModelSlice: Slice<ModelSlice> = (set, get, store) => {
  /** Ends the opening under way. */
  let stop: () => void = () => {};

  const fetchModel = async (source: ModelSource, ends: AbortController): Promise<Result<FetchedModel>> => {
    switch (source.kind) {
      case 'file': {
        const { file } = source.file;
        const external = besideModel(source.file, source.external);
        return { ok: true, value: { fileName: file.name, file, external } };
      }
      case 'sample':
        return attempt(async () => ({
          fileName: 'digits.onnx',
          file: await fetchOwn('samples/digits.onnx'),
          external: [],
        }));
      case 'zoo':
        return attempt(async () => ({
          fileName: `${source.name}.onnx`,
          file: await fetchOwn(`samples/zoo/${source.name}.onnx`),
          external: [],
        }));
      case 'kept':
        return attempt(async () => {
          const kept = await loadModel(source.id);
          if (kept === null) {
            throw new InputError({
              code: 'not-kept',
              message: `${source.fileName} is no longer kept on this device`,
              hint: 'Open the file again.',
            });
          }
          return { fileName: kept.fileName, file: kept.file, external: kept.externalFiles };
        });
      case 'url': {
        const client = openDownloadClient();
        ends.signal.addEventListener('abort', () => client.terminate());
        const result = await client.api.download(source.url, (done, total) => {
          if (ends.signal.aborted) return;
          const what = `Downloading, ${formatBytes(done)}${total === null ? '' : ` of ${formatBytes(total)}`}`;
          set({ openingModel: { what, share: total === null ? null : done / total } });
        });
        client.terminate();
        return result.ok ? { ok: true, value: { ...result.value, external: [] } } : result;
      }
    }
  };

  /** Work and bytes of a model without a size of its own are those of the images it is given. */
  const countAtImageSize = async () => {
    const { model, preprocessing } = get();
    const worker = modelWorker();
    if (!model || !preprocessing || !worker || isCountedAt(model.view, preprocessing)) return;
    const counted = await worker.countAt(preprocessing);
    // A later change asks again.
    if (get().model !== model || get().preprocessing !== preprocessing) return;
    if (!counted.ok)
      return get().reportFailure('The model could not be counted at this size', counted.failure);
    set({ model: { ...model, view: counted.value } });
    get().recheckRecipe();
  };

  store.subscribe((lab, before) => {
    if (lab.model !== before.model || lab.preprocessing !== before.preprocessing) void countAtImageSize();
  });

  return {
    model: null,
    openingModel: null,
    openModel: async (source) => {
      const busy = busyStudy(get());
      if (busy) {
        get().reportFailure('No other model can be opened now', busy);
        return false;
      }
      stop();
      const toldBefore = get().notices;
      const ends = new AbortController();
      let client: ModelClient | null = null;
      stop = () => {
        ends.abort();
        client?.terminate();
        set({ openingModel: null });
      };
      set({ openingModel: { what: `Opening ${nameOfSource(source)}`, share: null } });
      const fetched = await fetchModel(source, ends);
      if (ends.signal.aborted) return false;
      if (!fetched.ok) {
        set({ openingModel: null });
        get().reportFailure(`${nameOfSource(source)} could not be loaded`, fetched.failure);
        return false;
      }
      const { fileName, file, external } = fetched.value;
      client = takeModelWorker();
      const opened = await client.api.open(file, fileName, external);
      if (ends.signal.aborted) return false;
      set({ openingModel: null });
      if (!opened.ok) {
        client.terminate();
        get().reportFailure(`${fileName} could not be opened`, opened.failure);
        return false;
      }
      stop = () => {};
      adoptModelWorker(client);
      // What was wrong with another model is over with it.
      for (const { id, tone } of toldBefore) if (tone === 'problem') get().dismissNotice(id);
      const { missingFiles = [] } = opened.value;
      if (missingFiles.length > 0) {
        get().reportFailure(`${fileName} can be looked at, but not run`, {
          code: 'onnx-external-missing',
          message: `Its weights are in other files that were not given: ${missingFiles.join(', ')}.`,
          hint: 'Open the model together with these files.',
        });
      }
      get().shelve();
      const name = fileName.replace(/\.(onnx|ort|pb)$/i, '');
      set({
        model: { view: opened.value, name, source, file, external },
        selectedNode: null,
        selectedRange: null,
        preview: null,
        search: '',
      });
      get().unshelve();
      await get().guessPreprocessingAgain();
      const problem = whyNotMeasurable(get());
      if (problem !== null) get().reportFailure(`${fileName} can be transformed, but not measured`, problem);
      const { preprocessing, preprocessingReasons } = get();
      if (preprocessing?.random)
        get().tell(`${fileName} is measured with random inputs`, `${preprocessingReasons.join('; ')}.`);
      void get().showLatestStudy();
      return true;
    },
    cancelOpeningModel: () => stop(),
  };
};

/** What to call a source before its file is there. */
function nameOfSource(source: ModelSource): string {
  switch (source.kind) {
    case 'sample':
      return 'the bundled model';
    case 'zoo':
      return source.name;
    case 'url':
      return source.url.split('/').pop() || source.url;
    case 'file':
      return source.file.file.name;
    case 'kept':
      return source.fileName;
  }
}
