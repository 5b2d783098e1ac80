import * as fc from 'fast-check';

/** Random models as fields of the official schema, for `officialBytes('ModelProto', ...)`. */

const name = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z][a-z0-9_./]{0,12}$/) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
);
const int64 = fc.oneof(
  fc.bigInt({ min: -10n, max: 300n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const float32 = fc.float({ noNaN: true });
const bytes = fc.uint8Array({ maxLength: 40 });

const rawTensor = fc
  .record({ dims: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }), name, docString: name })
  .chain(({ dims, ...rest }) => {
    const count = dims.reduce((product, dim) => product * dim, 1);
    return fc.uint8Array({ minLength: 4 * count, maxLength: 4 * count }).map((rawData) => ({
      ...rest,
      dims: dims.map(BigInt),
      dataType: 1,
      rawData,
    }));
  });

const floatDataTensor = fc.array(float32, { maxLength: 6 }).map((floatData) => ({
  name: 'typed',
  dims: [BigInt(floatData.length)],
  dataType: 1,
  floatData,
}));

export const anyTensor = fc.oneof(rawTensor, floatDataTensor);

const dim = fc.oneof(
  fc.constant({}),
  fc.nat().map((size) => ({ value: { case: 'dimValue', value: BigInt(size) } })),
  fc.constantFrom('batch', 'N').map((symbol) => ({ value: { case: 'dimParam', value: symbol } })),
);
const tensorType = fc
  .record({ elemType: fc.integer({ min: 1, max: 16 }), dims: fc.option(fc.array(dim, { maxLength: 4 })) })
  .map(({ elemType, dims }) => ({
    value: {
      case: 'tensorType',
      value: dims === null ? { elemType } : { elemType, shape: { dim: dims } },
    },
  }));
const sequenceType = tensorType.map((elemType) => ({
  value: { case: 'sequenceType', value: { elemType } },
}));
const valueInfo = fc.record({
  name,
  type: fc.oneof({ weight: 5, arbitrary: tensorType }, { weight: 1, arbitrary: sequenceType }),
  docString: name,
});

const leafAttribute = fc.oneof(
  fc.record({ name, type: fc.constant(1), f: float32 }),
  fc.record({ name, type: fc.constant(2), i: int64 }),
  fc.record({ name, type: fc.constant(3), s: bytes }),
  fc.record({ name, type: fc.constant(4), t: anyTensor }),
  fc.record({ name, type: fc.constant(6), floats: fc.array(float32, { maxLength: 5 }) }),
  fc.record({ name, type: fc.constant(7), ints: fc.array(int64, { maxLength: 5 }) }),
  fc.record({ name, type: fc.constant(8), strings: fc.array(bytes, { maxLength: 3 }) }),
  fc.record({ name, type: fc.constant(9), tensors: fc.array(anyTensor, { maxLength: 2 }) }),
);

const { graph } = fc.letrec((tie) => ({
  attribute: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'subgraphs' },
    leafAttribute,
    fc.record({ name, type: fc.constant(5), g: tie('graph') }),
    fc.record({ name, type: fc.constant(10), graphs: fc.array(tie('graph'), { maxLength: 2 }) }),
  ),
  node: fc.record({
    input: fc.array(name, { maxLength: 3 }),
    output: fc.array(name, { maxLength: 2 }),
    name,
    opType: fc.constantFrom('Conv', 'Relu', 'If', 'Custom'),
    domain: fc.constantFrom('', 'ai.onnx', 'com.example'),
    docString: name,
    attribute: fc.array(tie('attribute'), { maxLength: 3 }),
  }),
  graph: fc.record({
    name,
    node: fc.array(tie('node'), { maxLength: 4 }),
    initializer: fc.array(anyTensor, { maxLength: 3 }),
    input: fc.array(valueInfo, { maxLength: 2 }),
    output: fc.array(valueInfo, { maxLength: 2 }),
    valueInfo: fc.array(valueInfo, { maxLength: 2 }),
    docString: name,
  }),
}));

export const anyModel: fc.Arbitrary<Record<string, unknown>> = fc.record({
  irVersion: fc.bigInt({ min: 3n, max: 10n }),
  producerName: name,
  producerVersion: name,
  domain: name,
  modelVersion: int64,
  docString: name,
  graph,
  opsetImport: fc.array(fc.record({ domain: name, version: fc.bigInt({ min: 1n, max: 30n }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  metadataProps: fc.array(fc.record({ key: name, value: name }), { maxLength: 2 }),
});
