import { describe, expect, it } from 'vitest';
import {
  blockScanCsv,
  type BlockScan,
  blocksLeftOpen,
  firstRemovals,
  leastHarmful,
  leftAfterEach,
  removalsChosen,
  withBlocksFound,
} from '../../../src/study/block-scan.ts';
import { type GateEffect, readGates, wholeAccuracyText } from '../../../src/study/gate-effects.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { sampleModel } from '../transforms/run-variant.ts';

const effect = (scoresNoise: number): GateEffect => ({
  scoresDb: 10,
  scoresNoise,
  agreement: 0.5,
  accuracy: null,
});
const removal = (to: string, macs: number, noise = 0) => ({
  block: { from: `before ${to}`, to, macs, params: macs / 10 },
  effect: effect(noise),
});
const scan: BlockScan = {
  macs: 100,
  params: 20,
  total: 4,
  images: 7,
  whole: effect(0),
  removals: [removal('c', 30), removal('a', 20), removal('=b', 10)],
  judged: [],
};

describe('blocks taken out one by one', () => {
  it('tells what is left after each', () => {
    expect(leftAfterEach(scan)).toEqual([
      { macs: 70, params: 17 },
      { macs: 50, params: 15 },
      { macs: 40, params: 14 },
    ]);
  });

  it('takes the one that changes the scores least, never one whose scores are no numbers', () => {
    expect(leastHarmful([removal('a', 1, Infinity), removal('b', 1, 2), removal('c', 1, 1)])?.block.to).toBe(
      'c',
    );
    expect(leastHarmful([])).toBeUndefined();
  });

  it('knows which of the first removals an operator means, in whatever order', () => {
    const two = firstRemovals(scan, 2);
    expect(two.samples).toBe(7);
    expect(removalsChosen(two, scan)).toBe(2);
    const turned = typeof two.blocks === 'number' ? two : { ...two, blocks: two.blocks.toReversed() };
    expect(removalsChosen(turned, scan)).toBe(2);
    expect(removalsChosen({ ...two, blocks: [{ from: 'before a', to: 'a' }] }, scan)).toBeNull();
    expect(removalsChosen({ ...two, blocks: 2 }, scan)).toBeNull();
  });

  it('gives a number of blocks its names once so many are known', () => {
    const open = (blocks: number): Recipe => [{ op: 'identity' }, { op: 'prune', kind: 'block', blocks }];
    expect(blocksLeftOpen(open(3))).toBe(3);
    const found = withBlocksFound(open(3), scan);
    expect(found[1]).toEqual(firstRemovals(scan, 3));
    expect(blocksLeftOpen(found)).toBe(0);
    const more = open(4);
    expect(withBlocksFound(more, scan)).toBe(more);
  });

  it('is written as rows that no spreadsheet executes', () => {
    const view = buildGraphView(sampleModel('digits'), { modelId: '', fileName: '', fileBytes: 0 });
    const rows = blockScanCsv(scan, view).trim().split('\r\n');
    expect(rows).toHaveLength(5);
    expect(rows[2]).toBe('1,c,before c,c,70,17,10,0.5,,7');
    expect(rows[4]).toContain(",'=b,");
  });
});

describe('answers of a gated model', () => {
  it('are told as signal to noise, agreement and accuracy', () => {
    const pass = {
      whole: { best: [1, 2, 0, 3], power: [4, 4, 4, 4] },
      settings: [
        { best: [1, 2, 0, 3], noise: [0, 0, 0, 0] },
        { best: [1, 0, 0, -1], noise: [0.04, 0.04, 0.04, 0.04] },
        { best: [1, 2, 0, -1], noise: [1, 1, 1, Number.NaN] },
      ],
    };
    const { whole, settings } = readGates(pass, [1, 2, null, 0], true);
    expect(whole).toEqual({ scoresDb: Infinity, scoresNoise: 0, agreement: 1, accuracy: 2 / 3 });
    expect(settings[0]).toEqual(whole);
    expect(settings[1]?.scoresDb).toBeCloseTo(20);
    expect(settings[1]).toMatchObject({ agreement: 0.5, accuracy: 1 / 3 });
    expect(settings[2]).toMatchObject({ scoresDb: null, scoresNoise: Infinity });
    expect(readGates(pass, [1, 2, 0, 3], false).settings[1]).toMatchObject({
      agreement: null,
      accuracy: null,
    });
  });
  it('tell how little few images say of all', () => {
    // Wilson: 75 % of 64 and of 6400.
    expect(wholeAccuracyText({ accuracy: 0.75 }, 64)).toBe(
      'With all channels 75.0 % of these 64 images are right, so of all 63.2 % to 84.0 %.',
    );
    expect(wholeAccuracyText({ accuracy: 0.75 }, 6400)).toContain('73.9 % to 76.0 %');
    expect(wholeAccuracyText({ accuracy: null }, 64)).toBe('');
  });
});
