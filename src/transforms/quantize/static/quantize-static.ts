import { unreachable } from '../../../base/assert.ts';
import { InputError } from '../../../base/result.ts';
import { graphAttributes } from '../../../onnx/attributes.ts';
import { capturedValues } from '../../../onnx/graph-index.ts';
import {
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type ValueName,
  valueName,
} from '../../../onnx/model.ts';
import { withRuntimeDomain } from '../../graph-names.ts';
import { convertOpset } from '../../prepare/convert-opset.ts';
import type { Quantization, Ranges, ValueRange } from '../quantization.ts';
import { ConstantPool } from './constant-pool.ts';
import { coverageOf, type Rewritten } from './outcome.ts';
import { planQdq } from './qdq-plan.ts';
import type { StaticForm } from './static-form.ts';
import { type StaticGraph, staticGraph } from './static-graph.ts';
import { writeQdq } from './write-qdq.ts';
import { writeQOperators } from './write-qoperators.ts';

/**
 * Static int8, as onnxruntime's `quantize_static` builds it: weights, biases and activations are integers whose
 * scales are fixed beforehand. What has no quantized form, no range or weights that are not finite stays float, with
 * the reason. Inputs and outputs keep their names and types; nodes inside subgraphs stay as they are.
 * @param ranges of the values that `valuesToCalibrate` names
 * @throws InputError `opset-too-old`, `quantize-types` (signed activations with unsigned weights)
 * @source onnxruntime 1.30, python/tools/quantization
 */
export function quantizeStatic(original: Model, form: StaticForm, ranges: Ranges): Quantization {
  const model = readyFor(original, form);
  const context = staticGraph(model, form, ranges);
  const pool = new ConstantPool(model.graph, true);
  const { nodes, outcomes } = rewritten(context, pool);
  const graph = withConstants(model.graph, nodes, pool.tensors());
  const kept = new Set(graph.initializers.map(({ name }) => name));
  return {
    model: {
      ...model,
      // From version 4 on, initializers need not be inputs of the graph.
      irVersion: Math.max(model.irVersion, 4),
      opsetImports: withRuntimeDomain(model.opsetImports, nodes),
      graph,
    },
    coverage: coverageOf(outcomes, context.unmatched),
    nonZeroOfWeight: new Map([...pool.nonZeroOf].filter(([name]) => !kept.has(name))),
  };
}

/**
 * The values whose ranges `quantizeStatic` needs, and no others; reads no weights. Where a model is cut, the parts
 * need more (what an activation behind the cut would have told): ask for each part.
 * @throws InputError as `quantizeStatic`
 */
export function valuesToCalibrate(original: Model, form: StaticForm): readonly ValueName[] {
  const model = readyFor(original, form);
  const asked = new Set<ValueName>();
  const anyRange = {
    get(name: string): ValueRange {
      asked.add(valueName(name));
      return { low: 0, high: 1 };
    },
  };
  rewritten(staticGraph(model, form, anyRange), new ConstantPool(model.graph, false));
  return [...asked];
}

function rewritten(context: StaticGraph, pool: ConstantPool): Rewritten {
  switch (context.form.format) {
    case 'qdq': {
      const plan = planQdq(context, pool);
      return { nodes: writeQdq(context, plan, pool), outcomes: plan.outcomes.values() };
    }
    case 'qoperator':
      return writeQOperators(context, pool);
    default:
      return unreachable(context.form.format);
  }
}

/** QuantizeLinear appeared in 10; from 11 on the runtime fuses what surrounds it, and Resize and Pad have integers. */
const OLDEST_OPSET = 11;
/** Scales along an axis appeared here. */
const PER_CHANNEL_QDQ_OPSET = 13;

function readyFor(model: Model, { format, perChannel, activations, weights }: StaticForm): Model {
  if (activations === 's8' && weights === 'u8') {
    throw new InputError({
      code: 'quantize-types',
      message: 'quantize: found signed activations with unsigned weights, which no runtime computes with',
      hint: 'Use "weights": "s8", or "activations": "u8".',
    });
  }
  return convertOpset(model, format === 'qdq' && perChannel ? PER_CHANNEL_QDQ_OPSET : OLDEST_OPSET).model;
}

/** The graph of these nodes, without float weights that nobody uses any more and what was said of values gone. */
function withConstants(original: Graph, nodes: readonly Node[], added: readonly Tensor[]): Graph {
  const used = new Set<string>(original.outputs.map(({ name }) => name));
  const made = new Set<string>();
  for (const node of nodes) {
    for (const name of node.inputs) used.add(name);
    for (const name of node.outputs) made.add(name);
    for (const inner of graphAttributes(node)) for (const name of capturedValues(inner)) used.add(name);
  }
  const initializers = [...original.initializers, ...added].filter(({ name }) => used.has(name));
  const kept = new Set(initializers.map(({ name }) => name));
  const constants = new Set(original.initializers.map(({ name }) => name));
  return {
    ...original,
    nodes,
    initializers,
    inputs: original.inputs.filter(({ name }) => !constants.has(name) || kept.has(name)),
    valueInfos: original.valueInfos.filter(({ name }) => made.has(name) || kept.has(name)),
  };
}
