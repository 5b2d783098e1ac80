/** How an image becomes the model's input. Guessed by `guess-preprocessing.ts`, editable by the user, kept with every trial. */
export interface Preprocessing {
  readonly inputName: string;
  readonly layout: 'NCHW' | 'NHWC';
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly channelOrder: 'RGB' | 'BGR';
  /** `stretch`: resize to width x height. `crop`: shorter side to `shorterSide`, then the centre. */
  readonly fit: { readonly kind: 'stretch' } | { readonly kind: 'crop'; readonly shorterSide: number };
  /** value = (pixel * scale - mean[c]) / std[c], pixel in 0..255; arrays of length `channels`. */
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly dataType: 'float32' | 'float16' | 'uint8' | 'int8';
  /** Invert intensities first (white digits on black against black on white). */
  readonly invert: boolean;
  /** Model class = label + classOffset (1 for 1001-class models whose class 0 is background). */
  readonly classOffset: number;
  /**
   * Number in masks of pixels that have no class: they are not asked about, and the model's own class of that number is
   * never taken as an answer. Left out: none.
   */
  readonly ignoredLabel?: number | undefined;
  /**
   * Set where no images can feed the model: each of its inputs gets random numbers, which tell latency and nothing of
   * accuracy. Of the rest, only sizes count.
   */
  readonly random?: true;
  /** What open sizes of inputs that are no images are taken as; see `CountedSize`. */
  readonly length?: number;
}
