import { makeInt, makeInts, makeNode, makeTensor } from '../../onnx/attributes.ts';
import { DataType, type Node, type Tensor } from '../../onnx/model.ts';
import { floatTensor, int64Tensor } from '../../onnx/tensor.ts';

/** An axis of a value whose channels have gates. */
export interface GatedAxis {
  readonly axis: number;
  /** For each index its gate, -1: it is always in. */
  readonly gateOf: Int32Array;
}

/** Writes the nodes that gates need; what is needed again is written once. */
export class GateWriter {
  private readonly gates: string;
  private readonly unique: (wanted: string) => string;
  private readonly pending: Node[] = [];
  private readonly known = new Map<string, string>();
  private readonly numbers = new Map<Int32Array, number>();

  /** @param gates the value that holds all gates, float32 */
  constructor(gates: string, unique: (wanted: string) => string) {
    this.gates = gates;
    this.unique = unique;
  }

  /** The nodes written since this was last asked for. */
  take(): readonly Node[] {
    return this.pending.splice(0);
  }

  node(
    opType: string,
    inputs: readonly string[],
    attributes: Node['attributes'] = [],
    wanted = `gate_${opType}`,
  ): string {
    const name = this.unique(wanted);
    this.pending.push(makeNode(opType, inputs, [name], attributes, { name }));
    return name;
  }

  /** The same value for the same key. */
  once(key: string, write: () => string): string {
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const written = write();
    this.known.set(key, written);
    return written;
  }

  ints(values: readonly number[]): string {
    return this.once(`ints ${values.join()}`, () => this.constant(int64Tensor('', [values.length], values)));
  }

  float(value: number, dataType: number): string {
    return this.once(`float ${value} ${dataType}`, () =>
      this.cast(this.constant(floatTensor('', [], Float32Array.of(value))), dataType),
    );
  }

  /** The gates of an axis, to multiply a value with; float32 [..., size, 1, ...] with an axis for each behind it. */
  mask(gated: GatedAxis, rank: number): string {
    const { axis, gateOf } = gated;
    const key = `mask ${this.numberOf(gateOf)} ${rank - axis}`;
    return this.once(key, () => {
      const dims = [gateOf.length, ...Array.from({ length: rank - axis - 1 }, () => 1)];
      const hasOpen = gateOf.includes(-1);
      // The gate that is always open stands before all others.
      const indices = hasOpen ? gateOf.map((gate) => gate + 1) : gateOf;
      return this.node('Gather', [
        hasOpen ? this.gatesBehindOne() : this.gates,
        this.constant(int64Tensor('', dims, [...indices])),
      ]);
    });
  }

  /** The share of a mask that is in, a float32 scalar above 0. */
  shareIn(mask: string): string {
    return this.once(`share ${mask}`, () =>
      this.node('Max', [
        this.node('ReduceMean', [mask], [makeInt('keepdims', 0)]),
        this.float(LEAST_SHARE, DataType.float),
      ]),
    );
  }

  cast(value: string, dataType: number): string {
    if (dataType === DataType.float) return value;
    return this.once(`cast ${value} ${dataType}`, () =>
      this.node('Cast', [value], [makeInt('to', dataType)]),
    );
  }

  /** ReduceMean, the axes as an attribute or, from opset 18 on, as an input. */
  mean(value: string, axes: readonly number[], opset: number): string {
    const keeps = makeInt('keepdims', 1);
    if (opset >= 18) return this.node('ReduceMean', [value, this.ints(axes)], [keeps]);
    return this.node('ReduceMean', [value], [makeInts('axes', axes), keeps]);
  }

  private gatesBehindOne(): string {
    return this.once('gates behind one', () =>
      this.node(
        'Concat',
        [this.constant(floatTensor('', [1], Float32Array.of(1))), this.gates],
        [makeInt('axis', 0)],
      ),
    );
  }

  // No initializers: in old files those are inputs, too.
  private constant(tensor: Tensor): string {
    return this.node('Constant', [], [makeTensor('value', tensor)]);
  }

  private numberOf(gateOf: Int32Array): number {
    const known = this.numbers.get(gateOf) ?? this.numbers.size;
    this.numbers.set(gateOf, known);
    return known;
  }
}

/** In place of none, by which nothing can be divided. */
const LEAST_SHARE = 1e-6;
