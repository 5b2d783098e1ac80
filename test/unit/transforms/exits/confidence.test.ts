import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { bestClass } from '../../../../src/study/best-class.ts';
import { DataType, type Model, type ValueInfo, valueName } from '../../../../src/onnx/model.ts';
import { modelToBytes } from '../../../../src/onnx/serialize.ts';
import {
  CONFIDENCE_MEASURES,
  type ConfidenceMeasure,
  confidenceOf,
} from '../../../../src/transforms/exits/confidence.ts';
import { confidenceNodes } from '../../../../src/transforms/exits/confidence-nodes.ts';
import { decidingInSinglePrecision } from '../../../../src/transforms/exits/single-precision.ts';

/** By numpy, from the definitions; see the script beside it. */
const golden = JSON.parse(readFileSync('test/fixtures/confidence/golden/confidence.json', 'utf8')) as {
  thresholds: number[];
  cases: (Record<ConfidenceMeasure, number> & {
    name: string;
    kind: 'logits' | 'probabilities';
    scores: number[];
    best: number;
  })[];
  walks: {
    measure: ConfidenceMeasure;
    logits: number[][];
    thresholds: number[];
    exit: number;
    best: number;
  }[];
};

const logits = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 2, maxLength: 60 });
const measures = fc.constantFrom(...CONFIDENCE_MEASURES);

function softmax(values: readonly number[]): number[] {
  const exponentials = values.map(Math.exp);
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((each) => each / sum);
}

describe('confidenceOf', () => {
  it('is what its definition says, in words of probabilities', () => {
    fc.assert(
      fc.property(logits, (values) => {
        const p = softmax(values).sort((a, b) => b - a) as [number, number, ...number[]];
        const entropy = -p.reduce((sum, each) => sum + (each > 0 ? each * Math.log(each) : 0), 0);
        expect(confidenceOf(values, 'logits')).toBeCloseTo(p[0], 10);
        expect(confidenceOf(values, 'logits', 'max-softmax')).toBeCloseTo(p[0], 10);
        expect(confidenceOf(values, 'logits', 'margin')).toBeCloseTo(p[0] - p[1], 10);
        expect(confidenceOf(values, 'logits', 'entropy')).toBeCloseTo(1 - entropy / Math.log(p.length), 8);
      }),
    );
  });

  it('is the same of logits and of their probabilities, and within 0 and 1', () => {
    fc.assert(
      fc.property(logits, measures, (values, measure) => {
        const sure = confidenceOf(values, 'logits', measure);
        expect(confidenceOf(softmax(values), 'probabilities', measure)).toBeCloseTo(sure, 8);
        expect(sure).toBeGreaterThan(-1e-9);
        expect(sure).toBeLessThan(1 + 1e-9);
      }),
    );
  });

  it.each(CONFIDENCE_MEASURES)('%s grows towards certainty', (measure) => {
    const sure = [0, 1, 2, 4, 8, 16].map((best) => confidenceOf([best, 0, 0, 0], 'logits', measure));
    expect(sure).toEqual(sure.toSorted((a, b) => a - b));
    expect(sure[0]).toBeCloseTo(measure === 'max-softmax' ? 0.25 : 0);
    expect(sure.at(-1)).toBeCloseTo(1, 5);
  });

  it.each(CONFIDENCE_MEASURES)('%s survives extremes and one class', (measure) => {
    expect(confidenceOf([1000, -1000], 'logits', measure)).toBe(1);
    expect(confidenceOf([1, 0, 0], 'probabilities', measure)).toBe(1);
    expect(confidenceOf([3], 'logits', measure)).toBe(1);
    expect(confidenceOf([1, Number.NaN, 0], 'logits', measure)).toBeNaN();
  });
});

describe('an independent computation', () => {
  it.each(golden.cases)('agrees on $name', ({ kind, scores, best, ...expected }) => {
    expect(bestClass(scores)).toBe(best);
    for (const measure of CONFIDENCE_MEASURES)
      expect(confidenceOf(scores, kind, measure)).toBeCloseTo(expected[measure], 12);
  });

  it('leaves at the same exits, with the same answers', () => {
    for (const { measure, logits, thresholds, exit, best } of golden.walks) {
      const sure = logits.findIndex((of, at) => confidenceOf(of, 'logits', measure) >= (thresholds[at] ?? 0));
      expect(sure).toBe(exit);
      expect(bestClass(logits[sure] as number[])).toBe(best);
    }
  });
});

/** Whether a file decides to stop, by each measure at each of the golden thresholds. */
async function decisionsInFile(
  scores: readonly number[],
  kind: 'logits' | 'probabilities',
  isSingle = false,
): Promise<Record<ConfidenceMeasure, boolean[]>> {
  const dims = [1, scores.length];
  const value = { name: 'scores', rank: 2, classCount: scores.length, dataType: DataType.float, kind };
  let names = 0;
  const decisions = CONFIDENCE_MEASURES.flatMap((measure) =>
    golden.thresholds.map((threshold) => ({
      measure,
      ...confidenceNodes(value, measure, threshold, 13, (wanted) => `${wanted}_${names++}`),
    })),
  );
  const info = (name: string, dataType: number, shape: readonly number[]): ValueInfo => ({
    name: valueName(name),
    type: { kind: 'tensor', dataType, shape },
    docString: '',
    unknown: [],
  });
  const model: Model = {
    irVersion: 7,
    opsetImports: [{ domain: '', version: 13 }],
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    docString: '',
    graph: {
      name: 'decisions',
      nodes: decisions.flatMap(({ nodes }) => nodes),
      initializers: decisions.flatMap(({ initializers }) => initializers),
      inputs: [info('scores', DataType.float, dims)],
      outputs: decisions.map(({ output }) => info(output, DataType.bool, [])),
      valueInfos: [],
      docString: '',
      unknown: [],
    },
    metadata: [],
    functions: [],
    unknown: [],
  };
  const session = await InferenceSession.create(
    modelToBytes(isSingle ? decidingInSinglePrecision(model) : model),
    {
      logSeverityLevel: 3,
      intraOpNumThreads: 1,
    },
  );
  const outputs = await session.run({ scores: new Tensor('float32', Float32Array.from(scores), dims) });
  const by = (measure: ConfidenceMeasure): boolean[] =>
    decisions
      .filter((decision) => decision.measure === measure)
      .map(({ output }) => Boolean(outputs[output]?.data[0]));
  return { 'max-softmax': by('max-softmax'), entropy: by('entropy'), margin: by('margin') };
}

describe('a file that decides by itself', () => {
  it.each(golden.cases)('decides so on $name', async ({ kind, scores, ...expected }) => {
    for (const isSingle of [false, true]) {
      const decided = await decisionsInFile(scores, kind, isSingle);
      for (const measure of CONFIDENCE_MEASURES) {
        golden.thresholds.forEach((threshold, at) => {
          const distance = Math.abs(expected[measure] - threshold);
          // Nearer than rounding either is right.
          if (distance > 0 && distance < (isSingle ? 1e-6 : 1e-9)) return;
          expect([threshold, decided[measure][at]]).toEqual([threshold, expected[measure] >= threshold]);
        });
      }
    }
  });

  it.each([
    [[Number.NaN, 1, 0]],
    [[1, Number.NaN]],
    [[5, 0, Number.NaN]],
    [[Number.NaN, Number.NaN]],
    [[Number.POSITIVE_INFINITY, 0]],
  ])('is never sure of %j, as the lab', async (scores) => {
    for (const measure of CONFIDENCE_MEASURES) expect(confidenceOf(scores, 'logits', measure)).toBeNaN();
    for (const isSingle of [false, true])
      expect(Object.values(await decisionsInFile(scores, 'logits', isSingle)).flat()).not.toContain(true);
  });
});
