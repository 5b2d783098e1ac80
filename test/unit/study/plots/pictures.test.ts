import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { DEFAULT_SETUP } from '../../../../src/study/placement/tiers.ts';
import { finish } from '../../../../src/base/finish.ts';
import type { Making } from '../../../../src/study/plots/picture.ts';
import { PICTURES } from '../../../../src/study/plots/pictures.ts';
import { svgDocument } from '../../../../src/study/plots/svg-elements.ts';
import { NO_CLASS, type Trial } from '../../../../src/study/trial.ts';
import { makeSample, makeTrial } from '../trials.ts';
import { answered, csvOf, trialOf } from './made.ts';

const hostile = '=<img src=x onerror="alert(1)">&\u0007, "quoted"';

function manyTrials(count: number, samples: number): readonly Trial[] {
  const random = seededRandom(7);
  return Array.from({ length: count }, (_, at) =>
    trialOf(
      `${at} a strategy whose name is far too long for the side of any picture on any phone`,
      Array.from({ length: samples }, () => (1 + at) * (1 + 0.2 * random() ** 4)),
      {
        ...answered(Array.from({ length: 40 }, () => random() < 0.5 + at / (3 * count))),
        size: {
          rawBytes: 1000 * (count - at) + 1,
          gzipBytes: null,
          params: 10,
          nonZeroParams: 10 - (at % 2),
          macs: 100,
          macsToExit: [],
        },
        id: `t${at}`,
      },
    ),
  );
}

const emulated = makeTrial('placed', {
  strategy: {
    ...makeTrial('placed').strategy,
    placement: { name: 'mobile-edge', sends: 'encoded-image', setup: DEFAULT_SETUP },
  },
  samples: [1, 2, 3].map((at) =>
    makeSample({
      sequence: at,
      emulated: {
        decodeMs: 1,
        preprocessMs: 1,
        computeMs: 4 + at,
        tierMs: [2, 2 + at],
        transferBytes: 10,
        transferMs: 3,
        postprocessMs: 0,
        totalMs: 9 + at,
      },
    }),
  ),
});

const unanswered = {
  ...answered([false, false]),
  predictions: { ...answered([false, false]).predictions, top1: [NO_CLASS, NO_CLASS] },
} as Pick<Trial, 'predictions' | 'accuracy'>;

const studies: Readonly<Record<string, readonly Trial[]>> = {
  'no trials': [],
  'queued, failed': [
    makeTrial('queued', { state: { kind: 'queued' } }),
    makeTrial(hostile, { state: { kind: 'failed', code: 'x', message: hostile } }),
  ],
  'one sample': [trialOf('a', [3])],
  'two images': [trialOf('a', [3, 4], answered([true, false])), trialOf('b', [2, 3], answered([true, true]))],
  'one strategy': manyTrials(1, 30),
  'constant and tied': [trialOf('a', Array(9).fill(2)), trialOf('b', Array(9).fill(2))],
  'no time at all': [trialOf('a', [0, 0, 0]), trialOf('b', [0, 1, 2])],
  'scores that are not numbers': [trialOf('a', [1, 2, 3], unanswered), trialOf('b', [2, 3, 4], unanswered)],
  'no labels': [
    trialOf('identity', [1, 2, 3]),
    trialOf('b', [2, 3, 4], { ...answered([true, false]), predictions: null }),
  ],
  'names from files': [trialOf(hostile, [1, 2, 3], answered([true])), trialOf('b', [2, 4, 5])],
  'one name twice': [trialOf('a', [1, 2, 3], { id: '1' }), trialOf('a', [2, 3, 4], { id: '2' })],
  'emulated beside measured': [emulated, trialOf('b', [2, 4, 5])],
  '24 strategies': manyTrials(24, 40),
};

describe.each(Object.entries(studies))('pictures of a study: %s', (_, trials) => {
  it.each(PICTURES)('$id is drawn at every width, or says why not', (kind) => {
    const made = finish(kind.make(trials, new Map()));
    if (!made.ok) {
      expect(made.failure).toMatchObject({ code: 'nothing-to-draw' });
      expect(made.failure.message.length * (made.failure.hint?.length ?? 0)).toBeGreaterThan(0);
      return;
    }
    for (const width of [320, 880]) {
      const drawing = made.value.draw(width);
      const svg = svgDocument(drawing, { ...kind, subtitle: hostile });
      expect(svg).not.toMatch(/NaN|Infinity|undefined|<img/);
      expect(svg).not.toContain('\u0007');
      expect(drawing.tips.length).toBeGreaterThan(0);
      expect(drawing.tips.filter(({ text }) => /NaN|Infinity|undefined/.test(text))).toEqual([]);
      const { width: right, height: bottom } = drawing;
      const outside = drawing.tips.filter(
        ({ box }) => box.left > box.right + 0.01 || box.right > right + 20 || box.bottom > bottom + 0.01,
      );
      expect(outside).toEqual([]);
    }
    expect(made.value.finding).toMatch(/^$|^.+\.$/s);
    expect(made.value.finding).not.toMatch(/NaN|Infinity|undefined|\b1 (strategies|pairs|inferences)\b/);
    const rows = csvOf(made.value);
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(made.value.rows)).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe('pictures', () => {
  it('have names, titles and sentences of their own', () => {
    for (const field of ['id', 'name', 'title', 'howToRead'] as const)
      expect(new Set(PICTURES.map((kind) => kind[field])).size).toBe(PICTURES.length);
  });
  it('tell what they show in words, too', () => {
    for (const kind of PICTURES) {
      const made = finish(kind.make(studies['24 strategies'] ?? [], new Map()));
      const { finding } = made.ok ? made.value : { finding: '' };
      expect(finding, kind.id).not.toBe('');
      const drawing = made.ok ? made.value.draw(320) : null;
      expect(drawing && svgDocument(drawing, { ...kind, subtitle: '', finding })).toContain(
        `<desc>${finding.slice(0, 20)}`,
      );
    }
  });
  it('are made in steps that grow with the strategies, so that the page answers between them', () => {
    for (const kind of PICTURES) {
      expect(stepsOf(kind.make(studies['24 strategies'] ?? [], new Map())), kind.id).toBeGreaterThanOrEqual(
        24,
      );
    }
  });
  it('show nothing of samples that a trial has from its warm-up', () => {
    const cold = makeSample({ warmUp: true, computeMs: 1e6, segmentMs: [1e6] });
    const plain = trialOf('a', [1, 2, 3]);
    const warmed = { ...plain, samples: [...plain.samples, cold] };
    for (const kind of PICTURES) {
      const [with_, without] = [warmed, plain].map((trial) =>
        finish(kind.make([trial, trialOf('b', [2, 3, 4])], new Map())),
      );
      expect(with_?.ok && with_.value.rows, kind.id).toEqual(without?.ok && without.value.rows);
    }
  });
});

function stepsOf(making: Making): number {
  let steps = 0;
  while (!making.next().done) steps++;
  return steps;
}
