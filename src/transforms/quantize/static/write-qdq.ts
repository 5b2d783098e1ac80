import { makeInt, makeNode } from '../../../onnx/attributes.ts';
import { type Node, type ValueName, valueName } from '../../../onnx/model.ts';
import { defined } from '../../../base/assert.ts';
import type { ConstantPool, ParameterNames, QuantizedBias } from './constant-pool.ts';
import type { QdqPlan } from './qdq-plan.ts';
import type { StaticGraph } from './static-graph.ts';

/**
 * The nodes of the planned model, each value's QuantizeLinear and DequantizeLinear right behind what makes it.
 * What the graph gives out, or a subgraph reads, is the DequantizeLinear's, so that everybody sees the same numbers.
 */
export function writeQdq(context: StaticGraph, plan: QdqPlan, pool: ConstantPool): readonly Node[] {
  const writer = new QdqWriter(context, plan, pool);
  for (const { name } of context.model.graph.inputs) if (context.isInput(name)) writer.pass(name);
  for (const position of context.index.order) writer.node(position);
  return writer.nodes;
}

class QdqWriter {
  readonly nodes: Node[] = [];
  private readonly context: StaticGraph;
  private readonly plan: QdqPlan;
  private readonly pool: ConstantPool;
  private readonly foldedNodes: ReadonlySet<number>;
  /** What nodes read instead of a value. */
  private readonly dequantized = new Map<string, ValueName>();

  constructor(context: StaticGraph, plan: QdqPlan, pool: ConstantPool) {
    this.context = context;
    this.plan = plan;
    this.pool = pool;
    this.foldedNodes = new Set(Array.from(plan.folded.values(), ({ position }) => position));
  }

  node(position: number): void {
    if (this.foldedNodes.has(position)) return;
    const node = defined(this.context.model.graph.nodes[position], `node ${position}`);
    const bias = this.plan.biases.get(position);
    const inputs = node.inputs.map((name, at) =>
      at === 2 && bias !== undefined ? this.bias(name, bias) : this.read(name),
    );
    const made = node.outputs.map((name) => this.finalName(name));
    const outputs = made.map((name) =>
      this.plan.marks.has(name) && this.context.isSeenByName(name)
        ? valueName(this.pool.unique(`${name}_QuantizeLinear_Input`))
        : name,
    );
    const attributes =
      bias === undefined ? node.attributes : node.attributes.filter(({ name }) => name !== 'beta');
    const isSame =
      attributes.length === node.attributes.length &&
      isEqual(inputs, node.inputs) &&
      isEqual(outputs, node.outputs);
    this.nodes.push(isSame ? node : { ...node, attributes, inputs, outputs });
    made.forEach((name, at) => {
      this.pass(name, outputs[at]);
    });
  }

  /** QuantizeLinear and DequantizeLinear behind a value, if it is marked. */
  pass(name: ValueName, from: ValueName = name): void {
    const mark = this.plan.marks.get(name);
    if (mark === undefined || mark.kind === 'constant') return;
    if (!this.context.isSeenByName(name) && this.context.readersOf(name) === 0) return;
    const parameters = this.parametersOf(name);
    const [scale, zeroPoint] = [parameters.scale, parameters.zeroPoint];
    const integers = this.pool.unique(`${name}_QuantizeLinear_Output`);
    const isRenamed = from !== name;
    const back = isRenamed ? name : valueName(this.pool.unique(`${name}_DequantizeLinear_Output`));
    this.emit('QuantizeLinear', [from, scale, zeroPoint], integers, `${name}_QuantizeLinear`);
    this.emit('DequantizeLinear', [integers, scale, zeroPoint], back, `${name}_DequantizeLinear`);
    this.dequantized.set(name, back);
  }

  private finalName(name: ValueName): ValueName {
    const folded = this.plan.folded.get(name);
    return folded === undefined ? name : this.finalName(folded.output);
  }

  private read(name: ValueName): ValueName {
    const known = this.dequantized.get(name);
    if (known !== undefined) return known;
    const mark = this.plan.marks.get(name);
    if (mark?.kind !== 'constant') return name;
    const { constant } = mark;
    const back = valueName(this.pool.unique(`${name}_DequantizeLinear_Output`));
    this.emit(
      'DequantizeLinear',
      [constant.integers, constant.scale, constant.zeroPoint],
      back,
      `${name}_DequantizeLinear`,
      constant.axis,
    );
    this.dequantized.set(name, back);
    return back;
  }

  private bias(name: ValueName, { integers, scale, isPerChannel }: QuantizedBias): ValueName {
    const known = this.dequantized.get(integers);
    if (known !== undefined) return known;
    const back = valueName(this.pool.unique(`${name}_DequantizeLinear_Output`));
    this.emit(
      'DequantizeLinear',
      [integers, scale],
      back,
      `${name}_DequantizeLinear`,
      isPerChannel ? 0 : null,
    );
    this.dequantized.set(integers, back);
    return back;
  }

  private parametersOf(name: ValueName): ParameterNames {
    const mark = defined(this.plan.marks.get(name), name);
    switch (mark.kind) {
      case 'same':
        return this.parametersOf(mark.as);
      case 'constant':
        return mark.constant;
      case 'own': {
        const affine = this.context.affineOf(name);
        return this.pool.parametersOf(
          name,
          defined(affine ?? undefined, name),
          this.context.form.activations,
        );
      }
    }
  }

  private emit(
    opType: string,
    inputs: readonly string[],
    output: string,
    name: string,
    axis: number | null = null,
  ): void {
    const attributes = axis === null ? [] : [makeInt('axis', axis)];
    this.nodes.push(makeNode(opType, inputs, [output], attributes, { name: this.pool.unique(name) }));
  }
}

function isEqual(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name, at) => name === right[at]);
}
