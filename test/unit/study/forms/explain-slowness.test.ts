import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { explainSlowness } from '../../../../src/study/forms/explain-slowness.ts';
import { notFasterThan } from '../../../../src/study/forms/slower-than.ts';
import { measuredTrial, makeTrial } from '../trials.ts';

const file = 'public/samples/zoo/mobilenet_v2.onnx';
const view = buildGraphView(parseModel(memorySource(readFileSync(file)), file), {
  modelId: file,
  fileName: file,
  fileBytes: 0,
});
const convolutions = view.nodes.filter(({ opType }) => opType === 'Conv');
const isDepthwise = (node: (typeof convolutions)[number]) =>
  node.attributes.some(({ name, text }) => name === 'group' && text !== '1');

/** The runtime's times where each convolution takes as long as told. */
const timesOf = (opType: string, ms: (isSlow: boolean) => number) =>
  convolutions.map((node) => ({ name: node.outputs[0] as string, opType, ms: ms(isDepthwise(node)) }));

const float = timesOf('FusedConv', () => 0.2);
const operator = { op: 'quantize', mode: 'static' } as const;

describe('why a quantized model is not faster', () => {
  it('is told by the part that lost the most, and its kernel', () => {
    const quantized = timesOf('QLinearConv', (isSlow) => (isSlow ? 1 : 0.1));
    const { sentences, rows } = explainSlowness(view, operator, float, quantized);
    expect(sentences[0]).toMatch(
      /^Depthwise convolutions take 14\.7 ms instead of 2\.94 ms, 5 times as long/,
    );
    expect(sentences[0]).toContain('QLinearConv');
    expect(sentences).toHaveLength(1);
    // Nothing is lost between the parts.
    const sum = (times: readonly number[]) => times.reduce((all, ms) => all + ms, 0);
    expect(sum(rows.map(({ floatMs }) => floatMs))).toBeCloseTo(sum(float.map(({ ms }) => ms)));
    expect(sum(rows.map(({ quantizedMs }) => quantizedMs))).toBeCloseTo(sum(quantized.map(({ ms }) => ms)));
  });

  it('names what only converts, and what stayed in floats', () => {
    const halves = timesOf('QLinearConv', () => 0.1).map((time, at) =>
      at % 2 === 0 ? time : { ...time, opType: 'FusedConv', ms: 0.2 },
    );
    const converting = convolutions.map((node, at) => ({
      name: `${node.outputs[0]}/${at}`,
      opType: at % 2 === 0 ? 'QuantizeLinear' : 'DequantizeLinear',
      ms: 0.1,
    }));
    const { sentences, rows } = explainSlowness(view, operator, float, [...halves, ...converting]);
    expect(sentences.join(' ')).toContain(
      '52 nodes that only convert values (QuantizeLinear, DequantizeLinear) take 5.20 ms.',
    );
    expect(sentences.join(' ')).toContain('26 of 52 convolutions and matrix products still run in float32');
    expect(rows.find(({ part }) => part === 'conversions')).toMatchObject({ floatMs: 0 });
  });

  it('tells what of the rest takes the most, and that it ran inside other nodes before', () => {
    const clips = view.nodes
      .filter(({ opType }) => opType === 'Clip')
      .map(({ outputs }) => ({ name: outputs[0] as string, opType: 'Clip', ms: 0.3 }));
    const [sentence] = explainSlowness(view, operator, float, [
      ...timesOf('QLinearConv', () => 0.1),
      ...clips,
    ]).sentences;
    expect(sentence).toMatch(
      /^All other nodes take 10\.5 ms instead of .* as long: most in Clip \(10\.5 ms\)/,
    );
    expect(sentence).toContain('which float32 computes as a part of other nodes');
  });

  it('says first where the nodes are faster, so that something else must be slow', () => {
    const quantized = timesOf('QLinearConv', (isSlow) => (isSlow ? 0.25 : 0.05));
    const { sentences } = explainSlowness(view, operator, float, quantized);
    expect(sentences[0]).toMatch(/^Node by node it takes 6\.\d+ ms instead of 10\.4 ms here/);
    expect(sentences[1]).toMatch(/^Depthwise convolutions take/);
  });

  it('is plain where only weights are small', () => {
    const { sentences } = explainSlowness(
      view,
      { op: 'quantize', mode: 'weight-only', bits: 8 },
      float,
      float,
    );
    expect(sentences).toEqual(['The arithmetic is float32 as before: only the file is smaller.']);
  });
});

describe('a trial that ought to be faster', () => {
  const done = { state: { kind: 'done' } } as const;
  const trial = (name: string, latencyMs: number, recipe: unknown) => {
    const measured = measuredTrial(name, latencyMs, 90);
    const strategy = { ...measured.strategy, recipe: recipe as typeof measured.strategy.recipe };
    return makeTrial(name, { ...measured, ...done, strategy });
  };
  const unchanged = trial('unchanged', 4, [{ op: 'identity' }]);

  it('is a quantized one that is not faster than the unchanged model', () => {
    const slow = trial('int8', 4, [operator]);
    expect(notFasterThan(slow, [unchanged, slow])).toBe(unchanged);
    expect(notFasterThan(trial('int8', 3, [operator]), [unchanged])).toBeNull();
    expect(notFasterThan(slow, [slow])).toBeNull();
  });

  it('is none where more than the arithmetic differs', () => {
    const exits = trial('exits', 5, [{ op: 'early-exit', kind: 'existing', exit: 0 }, operator]);
    expect(notFasterThan(exits, [unchanged])).toBeNull();
    expect(notFasterThan(trial('pruned', 5, [{ op: 'prune' }]), [unchanged])).toBeNull();
    const elsewhere = { ...unchanged, strategy: { ...unchanged.strategy, threads: 1 } };
    expect(notFasterThan(trial('int8', 5, [operator]), [elsewhere])).toBeNull();
  });
});
