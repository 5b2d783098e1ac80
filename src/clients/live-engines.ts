import * as Comlink from 'comlink';
import { cancellation, failed, ok, type Result } from '../base/result.ts';
import type { MaskFacts } from '../data/dataset.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { FramePictures, LiveFrame } from '../protocol/engine-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import type { LiveAnswer, LiveFrameAnswers } from '../study/live/live-tally.ts';
import type { Provider } from '../study/trial.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { copyOf } from './camera.ts';
import { openEngineClient } from './engine-client.ts';

export interface LiveRequest {
  /** With the model open, and what the recipes need known to it. */
  readonly model: ModelApi;
  /** One or two: each frame goes to all. */
  readonly recipes: readonly Recipe[];
  readonly provider: Provider;
  readonly threads: number;
  readonly preprocessing: Preprocessing;
  /** Of the open images: tells scores of pixels from other maps. */
  readonly masks?: MaskFacts | undefined;
}

/** Variants that wait for frames. */
export interface LiveEngines {
  /**
   * Lets each variant answer a frame, one after the other, so that they do not slow each other down; which goes first
   * alternates. The frame is closed.
   * @param wanted `keep`: the frame comes back as a PNG, `show`: and as the network sees it
   */
  classify(
    frame: LiveFrame,
    wanted: { readonly keep: boolean; readonly show: boolean },
  ): Promise<Result<LiveFrameAnswers & FramePictures>>;
  /** Ends the workers; frames under way are answered with a failure. */
  end(): void;
}

/** Builds the variants and loads each into a worker of its own. @param signal ends them at any time */
export async function openLiveEngines(
  { model, recipes, provider, threads, preprocessing, masks }: LiveRequest,
  signal: AbortSignal,
): Promise<Result<LiveEngines>> {
  const engines = recipes.map(() => openEngineClient());
  const end = () => {
    for (const engine of engines) engine.terminate();
  };
  signal.addEventListener('abort', end, { once: true });
  for (const [at, recipe] of recipes.entries()) {
    if (signal.aborted) return failed(cancelled);
    const built = await model.build(recipe);
    if (!built.ok) {
      end();
      return built;
    }
    const { plan, files } = built.value;
    const loaded = await engines[at]?.api.load({
      plan,
      files,
      provider,
      threads,
      data: { ...NO_IMAGES, dataset: { ...NO_IMAGES.dataset, ...(masks && { masks }) } },
      preprocessing,
    });
    if (loaded?.ok === false) {
      end();
      return loaded;
    }
  }
  let frames = 0;
  const classify: LiveEngines['classify'] = async (frame, { keep, show }) => {
    const answers: LiveAnswer[] = [];
    let pictures: FramePictures = { png: null, seen: null };
    const order = frames++ % 2 === 0 ? [...engines.keys()] : [...engines.keys()].toReversed();
    for (const [turn, at] of order.entries()) {
      const isLast = turn === order.length - 1;
      const mine = isLast ? frame : await copyOf(frame);
      const request = { frame: mine, keep: keep && isLast, show: show && isLast };
      const answered = await engines[at]?.api.classifyFrame(Comlink.transfer(request, [mine]));
      if (!answered?.ok) {
        if (!isLast) frame.close();
        return answered ?? failed(cancelled);
      }
      const { png, seen, ...answer } = answered.value;
      answers[at] = answer;
      pictures = { png, seen };
    }
    return ok({ atMs: performance.now(), answers, ...pictures });
  };
  return ok({ classify, end });
}

const cancelled = cancellation('Starting the variants');

/** Frames come from elsewhere. */
const NO_IMAGES: LoadedDataset = {
  dataset: { id: '', name: 'camera', items: [], classNames: [], labelSource: 'none', warnings: [] },
  pack: new Blob([]),
};
