/** What layers of vision models are, as far as their kernels differ. */
export type LayerKind = 'conv' | 'pointwise' | 'depthwise' | 'matmul';

export interface LayerKindInfo {
  readonly kind: LayerKind;
  readonly label: string;
  /** Multiply-accumulates of the probe's model. */
  readonly macs: number;
  readonly inputShape: readonly number[];
}

const SIDE = 28;
/** Of `conv`. */
export const CONV_CHANNELS = 64;
/** Of `pointwise` and `depthwise`. */
export const WIDE_CHANNELS = 128;
const TOKENS = 196;
/** Numbers of a token. */
export const WIDTH = 192;
const PIXELS = SIDE * SIDE;

/** The kinds of layers that models spend their time in, each with a model of its own. */
export const LAYER_KINDS: readonly LayerKindInfo[] = [
  {
    kind: 'conv',
    label: 'dense convolutions',
    macs: 2 * PIXELS * CONV_CHANNELS ** 2 * 9,
    inputShape: [1, CONV_CHANNELS, SIDE, SIDE],
  },
  {
    kind: 'pointwise',
    label: '1 x 1 convolutions',
    macs: 4 * PIXELS * WIDE_CHANNELS ** 2,
    inputShape: [1, WIDE_CHANNELS, SIDE, SIDE],
  },
  {
    kind: 'depthwise',
    label: 'depthwise convolutions',
    macs: 4 * PIXELS * WIDE_CHANNELS * 9,
    inputShape: [1, WIDE_CHANNELS, SIDE, SIDE],
  },
  {
    kind: 'matmul',
    label: 'matrix products',
    macs: 4 * TOKENS * WIDTH ** 2,
    inputShape: [1, TOKENS, WIDTH],
  },
];
