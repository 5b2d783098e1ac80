import { type RefObject, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { attempt, failed, type Failure, ok, type Result } from '../../base/result.ts';
import {
  type Camera,
  type Facing,
  listCameras,
  nextPicture,
  playCamera,
  playFile,
  takeFrame,
  type WhichCamera,
} from '../../clients/camera.ts';
import type { LiveEngines } from '../../clients/live-engines.ts';
import type { ShownImage } from '../../data/input-preview.ts';
import { startLive } from '../../store/live-work.ts';
import { type LiveTally, NO_FRAMES, tallied } from '../../study/live/live-tally.ts';
import type { Strategy } from '../../study/trial.ts';
import type { Recipe } from '../../transforms/recipe.ts';

/** Where pictures come from. */
export type PictureSource =
  | { readonly kind: 'camera'; readonly which: WhichCamera }
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
 * @param tries another number starts them anew, as after one ended by itself
 */
export function useEngines(
  recipe: Recipe,
  isCompared: boolean,
  place: Pick<Strategy, 'provider' | 'threads'> | null,
  tries: number,
): Result<LiveEngines> | null {
  const [made, setMade] = useState<MadeEngines | null>(null);
  useEffect(() => {
    const control = new AbortController();
    const recipes = isCompared ? [recipe, unchanged] : [recipe];
    void startLive(recipes, place, control.signal).then((engines) => {
      if (!control.signal.aborted) setMade({ of: [recipe, isCompared, place, tries], engines });
    });
    return () => control.abort();
  }, [recipe, isCompared, place, tries]);
  const isOfNow = [recipe, isCompared, place, tries].every((each, at) => each === made?.of[at]);
  return isOfNow && made ? made.engines : null;
}

const unchanged: Recipe = [{ op: 'identity' }];

/**
 * Shows a camera or a video file on an element, as long as `isOn`.
 * @param tries another number starts it anew
 * @returns null until there is a picture; which way the camera looks, or why there is none
 */
export function usePicture(
  video: RefObject<HTMLVideoElement | null>,
  { source, isOn, tries }: { readonly source: PictureSource; readonly isOn: boolean; readonly tries: number },
  onCameras: (cameras: readonly Camera[]) => void,
): Result<Facing> | null {
  const [picture, setPicture] = useState<Result<Facing> | null>(null);
  useEffect(() => {
    const element = video.current;
    if (!isOn || !element) return;
    let stop: (() => void) | null = null;
    const control = new AbortController();
    const { signal } = control;
    const start = async () => {
      const playing =
        source.kind === 'file'
          ? await playFile(element, source.file)
          : await playCamera(
              element,
              source.which,
              signal,
              (failure) => !signal.aborted && setPicture(failed(failure)),
            );
      if (playing.ok) stop = playing.value.stop;
      if (signal.aborted) return stop?.();
      setPicture(playing.ok ? ok(playing.value.facing) : playing);
      if (!playing.ok || source.kind === 'file') return;
      const cameras = await listCameras();
      if (!signal.aborted) onCameras(cameras);
    };
    void start();
    return () => {
      control.abort();
      stop?.();
      setPicture(null);
    };
  }, [video, source, isOn, tries, onCameras]);
  return picture;
}

/** Frames that are to be kept: how many more, and as what. */
export interface Wanted {
  readonly count: number;
  readonly label: number | null;
}

interface Frames {
  readonly tally: LiveTally;
  /** The last frame as the network sees it; null where that is not asked for. */
  readonly seen: ShownImage | null;
  readonly failure: Failure | null;
}

const noFrames: Frames = { tally: NO_FRAMES, seen: null, failure: null };

/**
 * Lets the variants answer one picture after the other, never more than one at a time: the newest there is. One that
 * stands still is answered once, by others again, and again when it is to be kept.
 * @param show whether each frame is told as the network sees it
 */
export function useFrames(
  video: RefObject<HTMLVideoElement | null>,
  engines: LiveEngines | null,
  { show, onKept }: { readonly show: boolean; readonly onKept: (png: Blob, label: number | null) => void },
): Frames & {
  /** Keeps the next frames. */
  readonly capture: (wanted: Wanted) => void;
} {
  const [state, setState] = useState<{ readonly of: LiveEngines | null; readonly frames: Frames }>({
    of: null,
    frames: noFrames,
  });
  const wanted = useRef<Wanted>({ count: 0, label: null });
  const makeDo = useRef<() => void>(() => {});
  const isShown = useRef(show);
  useEffect(() => {
    isShown.current = show;
    if (video.current?.paused) makeDo.current();
  }, [video, show]);
  useEffect(() => {
    const element = video.current;
    if (!element || !engines) return;
    const control = new AbortController();
    const { signal } = control;
    const tell = (change: (frames: Frames) => Frames) =>
      setState(({ of, frames }) => ({ of: engines, frames: change(of === engines ? frames : noFrames) }));
    const fail = (failure: Failure) => tell((frames) => ({ ...frames, failure }));
    const next = () =>
      nextPicture(element, signal, (take) => {
        makeDo.current = take;
      });
    const run = async () => {
      tell(() => noFrames);
      if (!element.paused && !(await next())) return;
      do {
        const { count, label } = wanted.current;
        if (count > 0) wanted.current = { count: count - 1, label };
        const frame = await attempt(() => takeFrame(element));
        if (signal.aborted) return frame.ok && frame.value.close();
        if (!frame.ok) return fail(frame.failure);
        const answered = await engines.classify(frame.value, { keep: count > 0, show: isShown.current });
        if (signal.aborted) return;
        if (!answered.ok) return fail(answered.failure);
        const { png, seen, ...answers } = answered.value;
        if (png !== null) onKept(png, label);
        tell(({ tally }) => ({ tally: tallied(tally, answers), seen, failure: null }));
      } while (await next());
    };
    void run();
    return () => {
      control.abort();
      wanted.current = { count: 0, label: null };
    };
  }, [video, engines, onKept]);
  const capture = (next: Wanted) => {
    wanted.current = next;
    if (video.current?.paused) makeDo.current();
  };
  // What others answered is not told under these names.
  return { ...(state.of === engines ? state.frames : noFrames), capture };
}
