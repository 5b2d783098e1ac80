import { type RefObject, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { failed, type Failure, ok, type Result } from '../../base/result.ts';
import {
  type Camera,
  listCameras,
  nextPicture,
  playCamera,
  playFile,
  takeFrame,
} from '../../clients/camera.ts';
import type { LiveEngines } from '../../clients/live-engines.ts';
import { startLive } from '../../store/live-work.ts';
import { type LiveTally, NO_FRAMES, tallied } from '../../study/live/live-tally.ts';
import type { Strategy } from '../../study/trial.ts';
import type { Recipe } from '../../transforms/recipe.ts';

/** Where pictures come from; `id` null: the camera that the browser proposes. */
export type PictureSource =
  | { readonly kind: 'camera'; readonly id: string | null }
  | { readonly kind: 'file'; readonly file: File };

/** Whether the page can be seen: a camera does not run behind somebody's back. */
export function useIsVisible(): boolean {
  return useSyncExternalStore(
    (changed) => {
      document.addEventListener('visibilitychange', changed);
      return () => document.removeEventListener('visibilitychange', changed);
    },
    () => !document.hidden,
  );
}

interface MadeEngines {
  readonly of: readonly unknown[];
  readonly engines: Result<LiveEngines>;
}

/**
 * The variants that answer frames; null while they are being made.
 * @param isCompared whether the model as it is answers, too
 */
export function useEngines(
  recipe: Recipe,
  isCompared: boolean,
  place: Pick<Strategy, 'provider' | 'threads'> | null,
): Result<LiveEngines> | null {
  const [made, setMade] = useState<MadeEngines | null>(null);
  useEffect(() => {
    const control = new AbortController();
    const recipes = isCompared ? [recipe, unchanged] : [recipe];
    void startLive(recipes, place, control.signal).then((engines) => {
      if (!control.signal.aborted) setMade({ of: [recipe, isCompared, place], engines });
    });
    return () => control.abort();
  }, [recipe, isCompared, place]);
  const isOfNow = [recipe, isCompared, place].every((each, at) => each === made?.of[at]);
  return isOfNow && made ? made.engines : null;
}

const unchanged: Recipe = [{ op: 'identity' }];

/**
 * Shows a camera or a video file on an element, as long as `isOn`.
 * @returns null until there is a picture, or why there is none
 */
export function usePicture(
  video: RefObject<HTMLVideoElement | null>,
  source: PictureSource,
  isOn: boolean,
  onCameras: (cameras: readonly Camera[]) => void,
): Result<true> | null {
  const [picture, setPicture] = useState<Result<true> | null>(null);
  useEffect(() => {
    const element = video.current;
    if (!isOn || !element) return;
    let stop: (() => void) | null = null;
    let isCurrent = true;
    const start = async () => {
      const playing =
        source.kind === 'file'
          ? await playFile(element, source.file)
          : await playCamera(element, source.id, (failure) => isCurrent && setPicture(failed(failure)));
      if (playing.ok) stop = playing.value.stop;
      if (!isCurrent) return stop?.();
      setPicture(playing.ok ? ok(true) : playing);
      if (!playing.ok || source.kind === 'file') return;
      const cameras = await listCameras();
      if (isCurrent) onCameras(cameras);
    };
    void start();
    return () => {
      isCurrent = false;
      stop?.();
      setPicture(null);
    };
  }, [video, source, isOn, onCameras]);
  return picture;
}

/** Frames that are to be kept: how many more, and as what. */
export interface Wanted {
  readonly count: number;
  readonly label: number | null;
}

interface Frames {
  readonly tally: LiveTally;
  readonly failure: Failure | null;
  /** Keeps the next frames. */
  readonly capture: (wanted: Wanted) => void;
}

/** Lets the variants answer one picture after the other, never more than one at a time. */
export function useFrames(
  video: RefObject<HTMLVideoElement | null>,
  engines: LiveEngines | null,
  onKept: (png: Blob, label: number | null) => void,
): Frames {
  const [state, setState] = useState<Omit<Frames, 'capture'>>({ tally: NO_FRAMES, failure: null });
  const wanted = useRef<Wanted>({ count: 0, label: null });
  useEffect(() => {
    const element = video.current;
    if (!element || !engines) return;
    const control = new AbortController();
    const { signal } = control;
    const run = async () => {
      setState({ tally: NO_FRAMES, failure: null });
      while (await nextPicture(element, signal)) {
        const { count, label } = wanted.current;
        if (count > 0) wanted.current = { count: count - 1, label };
        const answered = await engines.classify(await takeFrame(element), count > 0);
        if (signal.aborted) return;
        if (!answered.ok) return setState(({ tally }) => ({ tally, failure: answered.failure }));
        const { png, ...frame } = answered.value;
        if (png !== null) onKept(png, label);
        setState(({ tally }) => ({ tally: tallied(tally, frame), failure: null }));
      }
    };
    void run();
    return () => control.abort();
  }, [video, engines, onKept]);
  const capture = (next: Wanted) => {
    wanted.current = next;
  };
  return { ...state, capture };
}
