import { seedFromText, seededRandom } from '../../base/random.ts';
import { makeInt, makeInts, makeNode } from '../../onnx/attributes.ts';
import { makeModel, tensorInfo } from '../../onnx/make-model.ts';
import type { Model, Node, Tensor } from '../../onnx/model.ts';
import { elementCount, floatTensor } from '../../onnx/tensor.ts';
import { quantizeModel, valuesNeeded } from '../../transforms/quantize/quantize-model.ts';
import type { ProbedForm } from './forms.ts';
import { CONV_CHANNELS, type LayerKind, type LayerKindInfo, WIDE_CHANNELS, WIDTH } from './layer-kinds.ts';

/** Where values of the probe's models lie: inputs are normal, and weights keep it so. */
const RANGE = { low: -4, high: 4 };

/**
 * A few layers of one kind in a row, as models have them, so that what converts at the ends weighs little; of
 * convolutions a residual block.
 * @param form one that there is: the model is small and has all that forms need
 */
export function probeModel({ kind, inputShape }: LayerKindInfo, form: ProbedForm): Model {
  const layers = new Layers(kind);
  const output = layersOf(kind, layers);
  const model = makeModel({
    name: kind,
    nodes: layers.nodes,
    initializers: layers.initializers,
    inputs: [tensorInfo('x', inputShape)],
    outputs: [tensorInfo(output, inputShape)],
  });
  const { operator } = form;
  if (operator === null) return model;
  const needed = operator.mode === 'static' ? valuesNeeded(model, operator) : [];
  return quantizeModel(model, operator, new Map(needed.map((name) => [name, RANGE]))).model;
}

function layersOf(kind: LayerKind, layers: Layers): string {
  switch (kind) {
    case 'conv': {
      const first = layers.relu(layers.conv('x', CONV_CHANNELS, CONV_CHANNELS, 3));
      return layers.relu(layers.add(layers.conv(first, CONV_CHANNELS, CONV_CHANNELS, 3), 'x'));
    }
    case 'pointwise':
      return repeated((x) => layers.relu(layers.conv(x, WIDE_CHANNELS, WIDE_CHANNELS, 1)));
    case 'depthwise':
      return repeated((x) => layers.relu(layers.conv(x, WIDE_CHANNELS, 1, 3)));
    case 'matmul':
      return repeated((x) => layers.relu(layers.product(x)));
  }
}

function repeated(layer: (input: string) => string): string {
  return layer(layer(layer(layer('x'))));
}

class Layers {
  readonly nodes: Node[] = [];
  readonly initializers: Tensor[] = [];
  private readonly kind: LayerKind;

  constructor(kind: LayerKind) {
    this.kind = kind;
  }

  /** @param inChannels of a group: 1 is depthwise */
  conv(input: string, channels: number, inChannels: number, kernel: 1 | 3): string {
    const padding = (kernel - 1) / 2;
    const attributes = [
      makeInt('group', inChannels === 1 ? channels : 1),
      makeInts('kernel_shape', [kernel, kernel]),
      makeInts('pads', [padding, padding, padding, padding]),
      makeInts('strides', [1, 1]),
      makeInts('dilations', [1, 1]),
    ];
    const weight = this.weight([channels, inChannels, kernel, kernel], inChannels * kernel * kernel);
    const bias = this.weight([channels], channels);
    return this.node('Conv', [input, weight, bias], attributes);
  }

  product(input: string): string {
    return this.node('MatMul', [input, this.weight([WIDTH, WIDTH], WIDTH)]);
  }

  add(a: string, b: string): string {
    return this.node('Add', [a, b]);
  }

  relu(input: string): string {
    return this.node('Relu', [input]);
  }

  private node(opType: string, inputs: readonly string[], attributes: Node['attributes'] = []): string {
    const output = `${this.kind}_${this.nodes.length}`;
    this.nodes.push(
      makeNode(opType, inputs, [output], attributes, { name: `${opType}_${this.nodes.length}` }),
    );
    return output;
  }

  /** Uniform numbers of a variance that keeps that of what they are multiplied with. */
  private weight(dims: readonly number[], fanIn: number): string {
    const name = `${this.kind}_weight_${this.initializers.length}`;
    const random = seededRandom(seedFromText(name));
    const bound = Math.sqrt(3 / fanIn);
    const values = Float32Array.from({ length: elementCount(dims) }, () => bound * (2 * random() - 1));
    this.initializers.push(floatTensor(name, dims, values));
    return name;
  }
}
