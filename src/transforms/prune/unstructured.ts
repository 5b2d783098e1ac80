import { seededRandom, seedFromText } from '../../base/random.ts';
import { InputError } from '../../base/result.ts';
import { tensorMadeWhenRead } from '../../onnx/made-when-read.ts';
import type { Model, Node, Tensor } from '../../onnx/model.ts';
import { elementCount, tensorBytes, tensorFloats } from '../../onnx/tensor.ts';
import type { AnalysedModel } from '../analyse-model.ts';
import { rememberNonZeroCount } from '../count-non-zero.ts';
import { roundHalfEven } from '../quantize/affine.ts';
import { isRankedTogether, type LayerSparsity, layerSparsities } from './layer-sparsity.ts';
import { globalCutoffs, layerCutoff, type TensorCutoff } from './magnitude.ts';
import { chooseAtRandom, type Mask, patternMask, randomMask } from './masks.ts';
import { matchNodes } from '../match-nodes.ts';
import { inputChannelsOf, nothingToPrune, type PrunableLayer, prunableLayers } from './prunable-layers.ts';
import { PRUNE_DEFAULTS, type UnstructuredPruneOperator } from './prune-operator.ts';
import { keptOfPattern, type Sparsity } from './sparsity-rules.ts';
import { pieceMarker } from './smallest-magnitudes.ts';

/** Which layers become how sparse. */
interface SparsityPlan {
  /** Each ranked on its own. */
  readonly alone: readonly { readonly layer: PrunableLayer; readonly sparsity: Sparsity }[];
  /** Ranked together. */
  readonly together: { readonly layers: readonly PrunableLayer[]; readonly ratio: number };
  /** What to know about it, in sentences. */
  readonly notes: readonly string[];
}

/**
 * Which layers an operator prunes, and how far, without reading weights. Weights that several nodes share are pruned
 * as the first of these that a rule means is to be, and not at all if one is protected.
 * @throws InputError `nothing-to-prune`, `prune-all-protected`
 */
export function planSparsity(
  { model: { graph }, index }: Pick<AnalysedModel, 'model' | 'index'>,
  operator: UnstructuredPruneOperator,
): SparsityPlan {
  const all = prunableLayers(graph);
  if (all.length === 0) throw nothingToPrune();
  const prunable = new Set(all.flatMap(({ nodes }) => nodes));
  const sparsities = layerSparsities(
    operator,
    index.order.flatMap((position) => graph.nodes[position] ?? []),
    graph.outputs.map(({ name }) => name),
    (node) => prunable.has(node),
  );
  const found = all.map((layer) => ({ layer, sparsity: sparsityOf(layer, sparsities.of) }));
  if (found.every(({ sparsity }) => sparsity.kind === 'protected')) throw allProtected(operator);
  const isTogether = (sparsity: LayerSparsity): boolean =>
    sparsity.kind === 'usual' && isRankedTogether(operator);
  const alone = found.flatMap(({ layer, sparsity }) =>
    sparsity.kind === 'protected' || isTogether(sparsity) ? [] : [{ layer, sparsity: sparsity.sparsity }],
  );
  const together = found.filter(({ sparsity }) => isTogether(sparsity)).map(({ layer }) => layer);
  const rules = matchNodes([...prunable], operator.layers?.flatMap(({ nodes }) => nodes) ?? []);
  const unmatched = [...new Set([...rules.unmatched, ...sparsities.unmatched])];
  return {
    alone,
    together: { layers: together, ratio: operator.ratio ?? 0 },
    notes: [
      ...(unmatched.length === 0 ? [] : [`No layer that can be pruned is meant by ${unmatched.join(', ')}.`]),
      ...singleChannelNotes(alone),
    ],
  };
}

/** Of weights that several nodes share: as the first of these that is not as usual, and protected before all. */
function sparsityOf({ nodes }: PrunableLayer, of: (node: Node) => LayerSparsity): LayerSparsity {
  const all = nodes.map(of);
  const special = (kind: LayerSparsity['kind']): LayerSparsity | undefined =>
    all.find((sparsity) => sparsity.kind === kind);
  return special('protected') ?? special('rule') ?? of(nodes[0]);
}

/** What patterns leave as it is because it has a single input channel, as depthwise convolutions have. */
function singleChannelNotes(alone: SparsityPlan['alone']): string[] {
  const patterned = alone.filter(({ sparsity }) => sparsity.pattern !== undefined);
  const single = patterned.filter(({ layer }) => inputChannelsOf(layer).channels === 1);
  if (single.length === 0) return [];
  const subject = `${single.length} of ${patterned.length} layers stay as they are`;
  return [`${subject}: they have one input channel (depthwise), so no row to thin out.`];
}

function allProtected({ protect = [] }: UnstructuredPruneOperator): InputError {
  return new InputError({
    code: 'prune-all-protected',
    message: `prune: "protect" (${protect.join(', ')}) means every layer, wanted at least one to prune`,
    where: 'protect',
    hint: 'Name fewer layers, or leave pruning out.',
  });
}

/**
 * Sets weights to zero as planned. Shapes and file size stay. The new values are made when they are read and let go
 * afterwards: memory is that of the largest tensor.
 * @returns also what to know about it, in sentences
 */
export function pruneWeights(
  model: Model,
  { alone, together }: SparsityPlan,
  { importance = PRUNE_DEFAULTS.importance, seed = PRUNE_DEFAULTS.seed }: UnstructuredPruneOperator,
): { readonly model: Model; readonly notes: readonly string[] } {
  const emptied: string[] = [];
  const pruned = new Map<Tensor, Tensor>();
  const ofWeight = ({ name }: Tensor): number => (seed + seedFromText(name)) >>> 0;
  const prune = (weight: Tensor, mask: Mask): void => {
    pruned.set(weight, maskedTensor(weight, mask));
  };
  const cutOff = (weight: Tensor, cutoff: TensorCutoff): void => {
    prune(weight, (values, zero) => pieceMarker(cutoff)(values, zero));
    rememberNonZeroCount(pruned.get(weight) as Tensor, cutoff.nonZeroAfter);
    if (cutoff.nonZeroAfter === 0) emptied.push(weight.name);
  };
  const draw = (weight: Tensor, count: number): void => {
    prune(weight, randomMask(count, ofWeight(weight)));
    if (count === elementCount(weight.dims)) emptied.push(weight.name);
  };
  for (const { layer, sparsity } of alone) {
    const { weight } = layer;
    const { ratio = 0, pattern } = sparsity;
    if (pattern !== undefined) {
      const ofLayer = importance === 'random' ? ofWeight(weight) : null;
      prune(weight, patternMask(inputChannelsOf(layer), keptOfPattern(pattern), ofLayer));
    } else if (importance === 'random') {
      draw(weight, roundHalfEven(ratio * elementCount(weight.dims)));
    } else {
      cutOff(weight, layerCutoff(weight, ratio));
    }
  }
  const weights = together.layers.map(({ weight }) => weight);
  if (importance === 'random') {
    for (const [weight, count] of randomCounts(weights, together.ratio, seed)) draw(weight, count);
  } else if (weights.length > 0) {
    for (const [weight, cutoff] of globalCutoffs(weights, together.ratio)) cutOff(weight, cutoff);
  }
  const { graph } = model;
  const initializers = graph.initializers.map((tensor) => pruned.get(tensor) ?? tensor);
  return { model: { ...model, graph: { ...graph, initializers } }, notes: emptiedNotes(emptied) };
}

/** A layer of zeros lets nothing through. */
function emptiedNotes(emptied: readonly string[]): string[] {
  const [first, ...others] = emptied;
  if (first === undefined) return [];
  const what =
    others.length === 0
      ? `All weights of "${first}" became zero`
      : `All weights of ${emptied.length} layers became zero, "${first}" the first`;
  return [`${what}: nothing gets through. Prune less there, or protect it.`];
}

/** How many of each tensor's weights go if any of all are equally likely to. */
function randomCounts(weights: readonly Tensor[], ratio: number, seed: number): ReadonlyMap<Tensor, number> {
  const counts = new Uint32Array(weights.length);
  const total = weights.reduce((sum, { dims }) => sum + elementCount(dims), 0);
  let [at, end] = [-1, 0];
  chooseAtRandom(roundHalfEven(ratio * total), total, seededRandom(seed), (chosen) => {
    while (chosen >= end) end += elementCount(weights[++at]?.dims ?? []);
    counts[at] = (counts[at] as number) + 1;
  });
  return new Map(weights.map((weight, position) => [weight, counts[position] as number]));
}

function maskedTensor(tensor: Tensor, mask: Mask): Tensor {
  return tensorMadeWhenRead(tensor, () => {
    // A copy whatever the view is: slice() of a Node Buffer would be a view of the file itself.
    const bytes = new Uint8Array(tensorBytes(tensor));
    const bytesPerElement = bytes.length / Math.max(1, elementCount(tensor.dims));
    const elements =
      bytesPerElement === 4
        ? new Uint32Array(bytes.buffer)
        : bytesPerElement === 2
          ? new Uint16Array(bytes.buffer)
          : new Float64Array(bytes.buffer);
    const isFloat32 = elements instanceof Uint32Array;
    mask(isFloat32 ? new Float32Array(bytes.buffer) : tensorFloats(tensor), (index) => {
      elements[index] = 0;
    });
    return bytes;
  });
}
