import { makeInt, makeNode } from '../../onnx/attributes.ts';
import {
  DataType,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type ValueName,
  valueName,
} from '../../onnx/model.ts';
import { nodeTitle } from '../../onnx/shapes/facts.ts';
import { bytesTensor, floatTensor, int64Tensor, tensorFloats } from '../../onnx/tensor.ts';
import { namesIn, namesRead, RUNTIME_DOMAIN, uniqueNames, withRuntimeDomain } from '../graph-names.ts';
import { matchNodes, type NodeChoice } from '../match-nodes.ts';
import { convertOpset } from '../prepare/convert-opset.ts';
import { channelMajor, packedNibbles, packedRows, quantizeBlocks, signed } from './block-weights.ts';
import { whyInsideStays } from './layers-inside.ts';
import type { Quantization } from './quantization.ts';
import {
  type ProductWeight,
  productWeightOf,
  SHORT_CHANNEL,
  type WeightFinding,
} from './weight-only-plan.ts';

/** How weights become integers while all arithmetic stays float. */
export interface WeightOnlyForm {
  readonly bits: 4 | 8;
  /**
   * `dequantize`: DequantizeLinear in front of the unchanged nodes; `matmul-nbits`: com.microsoft.MatMulNBits for
   * matrix products, which unpacks weights as it multiplies, and DequantizeLinear for the others.
   */
  readonly form: 'dequantize' | 'matmul-nbits';
  /** Weights of an output channel that share a scale: a power of two from 16 to 256; null: all of the channel. */
  readonly blockSize: number | null;
  readonly symmetric: boolean;
  /** Of 4 bits: convolutions whose channels have few weights take 8, one scale for each channel. Default false. */
  readonly shortIn8Bits?: boolean;
  /** Nodes whose weights stay float32. */
  readonly exclude: NodeChoice;
}

/** What MatMulNBits takes where no block size is chosen: it has no form for whole channels. */
const DEFAULT_BLOCK_SIZE = 32;

/**
 * Weights of Conv, ConvTranspose, Gemm and MatMul stored in 8 or 4 bits; activations and arithmetic stay float32.
 * Values keep their names: a weight's name is that of the floats it is turned back into. 8 bits for whole channels
 * need opset 13, all else that is dequantized opset 21; older models are converted. Nodes inside subgraphs stay as
 * they are.
 * @throws InputError `opset-too-old`; as `tensorBytes` for weights that are not there
 * @source onnxruntime's matmul_nbits_quantizer.py for MatMulNBits and everything in 4 bits
 */
export function quantizeWeightsOnly(original: Model, form: WeightOnlyForm): Quantization {
  const { matches, unmatched } = matchNodes(original.graph.nodes, form.exclude);
  const needed = opsetNeeded(original.graph, form, matches);
  const { model } = needed === null ? { model: original } : convertOpset(original, needed);
  // Conversion replaces nodes, so they are matched again.
  const excluded = matchNodes(model.graph.nodes, form.exclude);
  const builder = new WeightOnlyBuilder(model.graph, form, excluded.matches);
  const graph = builder.build();
  return {
    model: {
      ...model,
      irVersion: Math.max(needed === 21 ? 10 : 4, model.irVersion),
      opsetImports: withRuntimeDomain(model.opsetImports, graph.nodes),
      graph,
    },
    coverage: { ...builder.coverage(), unmatched },
    nonZeroOfWeight: builder.nonZeroOfWeight,
  };
}

/** The opset that dequantizing needs; null if nothing is dequantized. */
function opsetNeeded(
  graph: Graph,
  form: WeightOnlyForm,
  isExcluded: (node: Node) => boolean,
): 13 | 21 | null {
  const tensors = tensorsOf(graph);
  const dequantized = graph.nodes.flatMap((node) => {
    const found = isExcluded(node) ? null : productWeightOf(node, tensors);
    return found?.kind === 'weight' && !takesNBits(found, form) ? [found] : [];
  });
  if (dequantized.length === 0) return null;
  const isNew = dequantized.some(
    (weight) => bitsOf(weight, form) === 4 || blockLengthOf(weight, form) < channelLength(weight),
  );
  return isNew ? 21 : 13;
}

function bitsOf(weight: ProductWeight, { bits, shortIn8Bits = false }: WeightOnlyForm): 4 | 8 {
  return shortIn8Bits && weight.isConvolution && channelLength(weight) < SHORT_CHANNEL ? 8 : bits;
}

function takesNBits({ isProduct }: ProductWeight, { form }: WeightOnlyForm): boolean {
  return form === 'matmul-nbits' && isProduct;
}

function channelLength({ axis, rows, columns }: ProductWeight): number {
  return axis === 'rows' ? columns : rows;
}

function blockLengthOf(weight: ProductWeight, form: WeightOnlyForm): number {
  const isWhole = form.blockSize === null || bitsOf(weight, form) !== form.bits;
  return isWhole ? channelLength(weight) : form.blockSize;
}

function tensorsOf(graph: Graph): ReadonlyMap<string, Tensor> {
  return new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
}

/** Walks the nodes in order; each weight is quantized once in each form. */
class WeightOnlyBuilder {
  readonly nonZeroOfWeight = new Map<string, number>();
  private readonly original: Graph;
  private readonly form: WeightOnlyForm;
  private readonly isExcluded: (node: Node) => boolean;
  private readonly tensors: ReadonlyMap<string, Tensor>;
  private readonly outputs: ReadonlySet<string>;
  /** Weights that an excluded node reads. */
  private readonly kept: ReadonlySet<string>;
  private readonly unique: (wanted: string) => string;
  /** They need nothing but constants, so they come first. */
  private readonly dequantizers: Node[] = [];
  private readonly nodes: Node[] = [];
  private readonly added: Tensor[] = [];
  /** Weights that a DequantizeLinear makes now. */
  private readonly dequantized = new Set<string>();
  private readonly packed = new Map<string, readonly ValueName[] | null>();
  private readonly outcomes: {
    readonly node: Node;
    readonly reason: string | null;
    readonly isGrouped: boolean;
    readonly isIn8Bits: boolean;
  }[] = [];

  constructor(original: Graph, form: WeightOnlyForm, isExcluded: (node: Node) => boolean) {
    this.original = original;
    this.form = form;
    this.isExcluded = isExcluded;
    this.tensors = tensorsOf(original);
    this.outputs = new Set(original.outputs.map(({ name }) => name));
    this.kept = new Set(original.nodes.filter(isExcluded).flatMap(({ inputs }) => inputs));
    this.unique = uniqueNames(namesIn(original));
  }

  build(): Graph {
    for (const node of this.original.nodes) this.add(node);
    const nodes = [...this.dequantizers, ...this.nodes];
    const used = namesRead(nodes);
    for (const name of this.outputs) used.add(name);
    return {
      ...this.original,
      nodes,
      initializers: [...this.original.initializers, ...this.added].filter(
        ({ name }) => used.has(name) && !this.dequantized.has(name),
      ),
      // Since IR version 4 initializers need not be listed as inputs; a value with a node must not be.
      inputs: this.original.inputs.filter(
        ({ name }) => !this.dequantized.has(name) && !this.wasDropped(name, used),
      ),
    };
  }

  coverage(): Quantization['coverage'] {
    const done = this.outcomes.filter(({ reason }) => reason === null);
    return {
      quantized: done.length,
      grouped: done.filter(({ isGrouped }) => isGrouped).length,
      ...(this.form.bits === 4 && { in8Bits: done.filter(({ isIn8Bits }) => isIn8Bits).length }),
      skipped: this.outcomes.flatMap(({ node, reason }) =>
        reason === null ? [] : [{ node: nodeTitle(node), reason }],
      ),
    };
  }

  private wasDropped(name: ValueName, used: ReadonlySet<string>): boolean {
    return this.tensors.has(name) && !used.has(name);
  }

  private add(node: Node): void {
    const found = productWeightOf(node, this.tensors);
    if (found === null) {
      const reason = whyInsideStays(node);
      if (reason !== null) this.outcomes.push({ node, reason, isGrouped: false, isIn8Bits: false });
      this.nodes.push(node);
      return;
    }
    const isGrouped = found.kind === 'weight' && found.isGrouped;
    const isIn8Bits = found.kind === 'weight' && bitsOf(found, this.form) === 8;
    this.outcomes.push({ node, reason: this.replaced(node, found), isGrouped, isIn8Bits });
  }

  /** Adds the node in its new form; the reason if it stays as it is. */
  private replaced(node: Node, found: WeightFinding): string | null {
    const reason = found.kind === 'none' ? found.reason : this.whyKept(node, found);
    if (reason !== null || found.kind === 'none') {
      this.nodes.push(node);
      return reason;
    }
    const { isProduct, weight } = found;
    if (!isProduct || this.form.form !== 'matmul-nbits') {
      const isFinite = this.dequantize(found);
      this.nodes.push(node);
      return isFinite ? null : notFinite(weight);
    }
    const factors = this.packedFactors(found);
    if (factors === null) {
      this.nodes.push(node);
      return notFinite(weight);
    }
    const [input = valueName(''), , bias] = node.inputs;
    const [output = valueName('')] = node.outputs;
    const hasBias = node.opType === 'Gemm' && bias !== undefined && bias !== '';
    const raw = hasBias ? valueName(this.unique(`${output}_product`)) : output;
    const attributes = [
      makeInt('K', channelLength(found)),
      makeInt('N', found.axis === 'rows' ? found.rows : found.columns),
      makeInt('bits', this.form.bits),
      makeInt('block_size', this.form.blockSize ?? DEFAULT_BLOCK_SIZE),
    ];
    const name = this.unique(`${node.name || output}_Q${this.form.bits}`);
    this.nodes.push(
      makeNode('MatMulNBits', [input, ...factors], [raw], attributes, { name, domain: RUNTIME_DOMAIN }),
    );
    if (hasBias) {
      this.nodes.push(makeNode('Add', [raw, bias], [output], [], { name: this.unique(`${name}_bias`) }));
    }
    return null;
  }

  private whyKept(node: Node, { weight }: ProductWeight): string | null {
    if (this.isExcluded(node)) return 'excluded';
    if (this.kept.has(weight.name)) return `a node that is excluded uses its weights "${weight.name}", too`;
    return this.outputs.has(weight.name) ? `its weights "${weight.name}" are an output` : null;
  }

  /** Makes the weight's name the value of a DequantizeLinear. False if the weights are not finite. */
  private dequantize(found: ProductWeight): boolean {
    const { weight, rows, columns, axis } = found;
    if (this.dequantized.has(weight.name)) return true;
    const { symmetric } = this.form;
    const bits = bitsOf(found, this.form);
    const blockLength = blockLengthOf(found, this.form);
    const rule = bits === 4 ? 'away' : 'even';
    const quantized = quantizeBlocks(tensorFloats(weight), rows, columns, axis, {
      bits,
      blockLength,
      symmetric,
      rule,
    });
    if (quantized === null) return false;
    this.nonZeroOfWeight.set(weight.name, quantized.nonZero);
    this.dequantized.add(weight.name);
    const isBlocked = quantized.blocks > 1;
    const channelAxis = axis === 'rows' ? 0 : 1;
    // Blocks lie along the rest of the matrix that the weights are, so they have its shape and get their own after.
    const isMatrix = weight.dims.length === 2 || (!isBlocked && axis === 'rows');
    const dims = isMatrix ? weight.dims : [rows, columns];
    const scaleDims = !isBlocked
      ? [quantized.scales.length]
      : axis === 'rows'
        ? [rows, quantized.blocks]
        : [quantized.blocks, columns];
    const inputs = [
      this.constant(`${weight.name}_quantized`, (name) =>
        this.integers(name, dims, quantized.integers, bits),
      ),
      this.constant(`${weight.name}_scale`, (name) => floatTensor(name, scaleDims, quantized.scales)),
    ];
    if (!symmetric) {
      inputs.push(
        this.constant(`${weight.name}_zero_point`, (name) =>
          this.integers(name, scaleDims, quantized.zeroPoints, bits),
        ),
      );
    }
    const floats = isMatrix ? valueName(weight.name) : valueName(this.unique(`${weight.name}_matrix`));
    const attributes = isBlocked
      ? [makeInt('axis', 1 - channelAxis), makeInt('block_size', blockLength)]
      : [makeInt('axis', channelAxis)];
    const name = this.unique(`${weight.name}_DequantizeLinear`);
    this.dequantizers.push(makeNode('DequantizeLinear', inputs, [floats], attributes, { name }));
    if (!isMatrix) {
      const shape = this.constant(`${weight.name}_shape`, (unique) =>
        int64Tensor(unique, [weight.dims.length], weight.dims),
      );
      const reshape = this.unique(`${weight.name}_Reshape`);
      this.dequantizers.push(makeNode('Reshape', [floats, shape], [weight.name], [], { name: reshape }));
    }
    return true;
  }

  /** Symmetric integers are signed, without a zero point; others are unsigned. */
  private integers(name: string, dims: readonly number[], unsigned: Uint8Array, bits: 4 | 8): Tensor {
    const { symmetric } = this.form;
    if (bits === 4) {
      const type = symmetric ? DataType.int4 : DataType.uint4;
      return bytesTensor(name, dims, type, packedNibbles(unsigned, symmetric ? 8 : 0));
    }
    return bytesTensor(
      name,
      dims,
      symmetric ? DataType.int8 : DataType.uint8,
      symmetric ? signed(unsigned) : unsigned,
    );
  }

  /** What MatMulNBits reads behind its first factor: [N, blocks, bytes] integers, scales and, if not symmetric, zero points. */
  private packedFactors(found: ProductWeight): readonly ValueName[] | null {
    const { weight, rows, columns, axis } = found;
    const key = JSON.stringify([weight.name, axis]);
    const known = this.packed.get(key);
    if (known !== undefined) return known;
    const { bits, symmetric, blockSize } = this.form;
    const blockLength = blockSize ?? DEFAULT_BLOCK_SIZE;
    const quantized = quantizeBlocks(tensorFloats(weight), rows, columns, axis, {
      bits,
      blockLength,
      symmetric,
      rule: 'n-bits',
    });
    if (quantized === null) {
      this.packed.set(key, null);
      return null;
    }
    this.nonZeroOfWeight.set(weight.name, quantized.nonZero);
    const channels = axis === 'rows' ? rows : columns;
    const { integers, scales, zeroPoints, blocks } = channelMajor(quantized, rows, columns, axis);
    const blob = (blockLength * bits) / 8;
    const stem = `${weight.name}_Q${bits}`;
    const factors = [
      this.constant(stem, (name) =>
        bytesTensor(
          name,
          [channels, blocks, blob],
          DataType.uint8,
          packedRows(integers, channels, blocks * blob, bits, 0),
        ),
      ),
      this.constant(`${stem}_scales`, (name) => floatTensor(name, [channels, blocks], scales)),
    ];
    if (!symmetric) {
      const width = Math.ceil((blocks * bits) / 8);
      factors.push(
        this.constant(`${stem}_zero_points`, (name) =>
          bytesTensor(
            name,
            [channels, width],
            DataType.uint8,
            packedRows(zeroPoints, channels, width, bits, 8),
          ),
        ),
      );
    }
    this.packed.set(key, factors);
    return factors;
  }

  private constant(wanted: string, make: (name: string) => Tensor): ValueName {
    const tensor = make(this.unique(wanted));
    this.added.push(tensor);
    return valueName(tensor.name);
  }
}

function notFinite(weight: Tensor): string {
  return `weights "${weight.name}" are not all finite`;
}
