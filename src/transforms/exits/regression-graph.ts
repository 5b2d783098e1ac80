import { makeInt, makeNode } from '../../onnx/attributes.ts';
import { makeModel, tensorInfo } from '../../onnx/make-model.ts';
import { DataType, type Model } from '../../onnx/model.ts';
import { floatTensor, int64Tensor } from '../../onnx/tensor.ts';
import type { CrossEntropyOf } from './softmax-regression.ts';

/** A block of images and a classifier: what the inputs of `regressionModel` are fed with. */
export interface RegressionFeeds {
  readonly images: number;
  readonly width: number;
  readonly classes: number;
  /** [images, width] */
  readonly rows: Float32Array;
  /** [images] */
  readonly targets: Int32Array;
  /** [classes, width] */
  readonly weights: Float32Array;
  /** [classes] */
  readonly bias: Float32Array;
}

/** What the model says of a block. */
export interface BlockFit {
  /** Of each image, the logarithm of the probability of the right class. */
  readonly likelihood: Float32Array;
  /** 1 where the first of the best classes is the right one. */
  readonly right: Float32Array;
  /** Sums over the block's images, shaped as the classifier; null where not asked for. */
  readonly gradient: Pick<RegressionFeeds, 'weights' | 'bias'> | null;
}

/** Runs a `regressionModel`. */
export type RegressionRuntime = (feeds: RegressionFeeds, withGradient: boolean) => Promise<BlockFit>;

/** Scores or features that a block may have: each score takes 20 bytes while the model runs. */
const MOST_NUMBERS = 2e6;
/** Below this many images the weights are handed over too often. */
const LEAST_IMAGES = 64;

/**
 * Softmax regression as an ONNX model, so that a runtime's threads and vector instructions do the two large
 * products: inputs `rows`, `targets`, `weights` and `bias`, outputs `likelihood` and `right`, and with the gradient
 * `weights_gradient` and `bias_gradient`; see `RegressionFeeds`.
 */
export function regressionModel(withGradient: boolean): Model {
  const fit = [
    makeNode('Cast', ['targets'], ['target'], [makeInt('to', DataType.int64)]),
    makeNode('Gemm', ['rows', 'weights', 'bias'], ['scores'], [makeInt('transB', 1)]),
    makeNode('LogSoftmax', ['scores'], ['log'], [makeInt('axis', 1)]),
    makeNode('Unsqueeze', ['target', 'second'], ['target_column']),
    makeNode('GatherElements', ['log', 'target_column'], ['likelihood'], [makeInt('axis', 1)]),
    makeNode('ArgMax', ['scores'], ['best'], [makeInt('axis', 1), makeInt('keepdims', 0)]),
    makeNode('Equal', ['best', 'target'], ['hit']),
    makeNode('Cast', ['hit'], ['right'], [makeInt('to', DataType.float)]),
  ];
  const gradient = [
    makeNode('Exp', ['log'], ['probability']),
    makeNode('Shape', ['bias'], ['classes']),
    makeNode('OneHot', ['target', 'classes', 'off_on'], ['wanted']),
    makeNode('Sub', ['probability', 'wanted'], ['excess']),
    makeNode('Gemm', ['excess', 'rows'], ['weights_gradient'], [makeInt('transA', 1)]),
    makeNode('ReduceSum', ['excess', 'first'], ['bias_gradient'], [makeInt('keepdims', 0)]),
  ];
  return makeModel({
    name: 'softmax_regression',
    nodes: withGradient ? [...fit, ...gradient] : fit,
    initializers: [
      int64Tensor('second', [1], [1]),
      ...(withGradient
        ? [int64Tensor('first', [1], [0]), floatTensor('off_on', [2], new Float32Array([0, 1]))]
        : []),
    ],
    inputs: [
      tensorInfo('rows', ['images', 'width']),
      tensorInfo('targets', ['images'], DataType.int32),
      tensorInfo('weights', ['classes', 'width']),
      tensorInfo('bias', ['classes']),
    ],
    outputs: [
      tensorInfo('likelihood', ['images', 1]),
      tensorInfo('right', ['images']),
      ...(withGradient
        ? [tensorInfo('weights_gradient', ['classes', 'width']), tensorInfo('bias_gradient', ['classes'])]
        : []),
    ],
  });
}

/**
 * Cross-entropy computed by a runtime in single precision, block by block, so that its memory is bounded whatever
 * the images are. Sums over images are in double precision.
 * @param mostNumbers scores or features of a block
 */
export function crossEntropyBy(run: RegressionRuntime, mostNumbers = MOST_NUMBERS): CrossEntropyOf {
  return ({ rows, targets }, { width, classes }) => {
    const count = targets.length;
    const block = Math.max(LEAST_IMAGES, Math.floor(mostNumbers / Math.max(classes, width)));
    return async (parameters, gradient) => {
      const weights = new Float32Array(parameters.subarray(0, classes * width));
      const bias = new Float32Array(parameters.subarray(classes * width));
      let [likelihood, right] = [0, 0];
      for (let first = 0; first < count; first += block) {
        const end = Math.min(count, first + block);
        const feeds: RegressionFeeds = {
          images: end - first,
          width,
          classes,
          rows: rows.subarray(first * width, end * width),
          targets: targets.subarray(first, end),
          weights,
          bias,
        };
        const fit = await run(feeds, gradient !== null);
        for (const each of fit.likelihood) likelihood += each;
        for (const each of fit.right) right += each;
        if (gradient === null || fit.gradient === null) continue;
        addShare(gradient, 0, fit.gradient.weights, count);
        addShare(gradient, classes * width, fit.gradient.bias, count);
      }
      return { loss: -likelihood / Math.max(1, count), accuracy: right / Math.max(1, count) };
    };
  };
}

function addShare(gradient: Float64Array, start: number, sums: Float32Array, count: number): void {
  for (let i = 0; i < sums.length; i++)
    gradient[start + i] = (gradient[start + i] as number) + (sums[i] as number) / count;
}
