import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accuracyImages,
  isMeasured,
  nextVisit,
  PROTOCOLS,
  planRounds,
  timedImages,
  type Visit,
  warmUpImages,
} from '../../../src/study/plan.ts';
import { type RemainingWork, remainingMs } from '../../../src/study/progress.ts';
import type { Protocol, Trial } from '../../../src/study/trial.ts';
import { makeSample, makeTrial } from './trials.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];
const images = Array.from({ length: 37 }, (_, index) => index);

describe('planRounds', () => {
  const visits = planRounds(PROTOCOLS.standard, ids, images);
  const rounds = Array.from({ length: PROTOCOLS.standard.rounds }, (_, round) =>
    visits.filter((visit) => visit.round === round),
  );
  it('visits every strategy once in each round, round after round', () => {
    expect(visits.map((visit) => visit.round)).toEqual(rounds.flat().map((visit) => visit.round));
    for (const round of rounds) expect(round.map((visit) => visit.strategyId).sort()).toEqual(ids);
  });
  it('shows all strategies the same images in a round, and other images in another', () => {
    for (const round of rounds) {
      for (const visit of round) expect(visit.imageIndices).toEqual(round[0]?.imageIndices);
    }
    expect(rounds[0]?.[0]?.imageIndices).not.toEqual(rounds[1]?.[0]?.imageIndices);
  });
  it('changes the order from round to round', () => {
    const orders = new Set(rounds.map((round) => round.map((visit) => visit.strategyId).join('')));
    expect(orders.size).toBeGreaterThan(10);
  });
  it('is the same plan again for the same seed, which an interrupted study relies on', () => {
    expect(planRounds(PROTOCOLS.standard, ids, images)).toEqual(visits);
    expect(planRounds({ ...PROTOCOLS.standard, seed: 2 }, ids, images)).not.toEqual(visits);
  });
  it('shows strategies added later the same images as those before them', () => {
    const fewer = planRounds(PROTOCOLS.standard, ids.slice(0, 2), images);
    for (const { round, imageIndices } of fewer)
      expect(imageIndices).toEqual(rounds[round]?.[0]?.imageIndices);
  });
  it('only names images that there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer(), (imageCount, seed) => {
        const plan = planRounds({ ...PROTOCOLS.quick, seed }, ids, [...Array(imageCount).keys()]);
        const named = plan.flatMap((visit) => visit.imageIndices);
        expect(named.every((image) => Number.isInteger(image) && image >= 0 && image < imageCount)).toBe(
          true,
        );
      }),
    );
  });
});

it('times the largest files only where the protocol wants that, of equal ones the first', () => {
  const items = [5, 9, 9, 1, 9].map((length) => ({ length }));
  const largest = (count: number): Protocol => ({ ...PROTOCOLS.quick, images: { kind: 'largest', count } });
  expect(timedImages(PROTOCOLS.quick, items)).toEqual([0, 1, 2, 3, 4]);
  expect(timedImages(largest(2), items)).toEqual([1, 2]);
  expect(timedImages(largest(4), items)).toEqual([0, 1, 2, 4]);
  expect(timedImages(largest(99), items)).toEqual([0, 1, 2, 3, 4]);
  expect(timedImages(largest(0), items)).toEqual([1]);
});

/** A study on a device where everything takes what `latencyMs` says, visit by visit. */
function visitsOf(
  protocol: Protocol,
  latencyMs: (id: string, run: number) => number,
  stopAfter = Infinity,
  begun: ReadonlyMap<string, Trial> = new Map(),
): { readonly visits: readonly Visit[]; readonly trials: ReadonlyMap<string, Trial> } {
  const trials = new Map(
    ids.map((id) => {
      const strategy = { ...makeTrial(id).strategy, id };
      return [id, begun.get(id) ?? makeTrial(id, { strategy, protocol, state: { kind: 'queued' } })];
    }),
  );
  const plan = planRounds(protocol, ids, images);
  const visits: Visit[] = [];
  let visitsSinceReference = Infinity;
  for (let sequence = 0; visits.length < stopAfter; ) {
    const all = [...trials.values()];
    const reference = trials.get('c') ?? null;
    const visit = nextVisit(protocol, plan, images, { trials: all, reference, visitsSinceReference });
    if (visit === null) break;
    visits.push(visit);
    const { strategyId: id, round, kind } = visit;
    visitsSinceReference = id === 'c' ? 0 : visitsSinceReference + 1;
    const trial = trials.get(id) as Trial;
    const taken = visit.imageIndices.map((imageIndex) => {
      const computeMs = latencyMs(id, trial.samples.length + imageIndex);
      const mark = kind === 'reference' ? ({ reference: true } as const) : {};
      return makeSample({ round, sequence: sequence++, imageIndex, computeMs, totalMs: computeMs, ...mark });
    });
    const samples = [...trial.samples, ...taken];
    const state = kind === 'timed' ? ({ kind: 'running', roundsDone: round + 1 } as const) : trial.state;
    trials.set(id, { ...trial, samples, state });
  }
  return { visits, trials };
}

const noisy = (id: string, run: number): number => 10 * (1 + (id === 'b' ? 0.3 : 0.01) * Math.sin(run * 7.3));

describe('nextVisit', () => {
  const small: Protocol = {
    name: 'custom',
    warmUpRuns: 2,
    rounds: 3,
    samplesPerRound: 4,
    accuracyImages: null,
    seed: 3,
  };
  it('follows the plan to its end where nothing else is asked for', () => {
    expect(visitsOf(small, noisy).visits).toEqual(planRounds(small, ids, images));
  });
  it('goes strategy after strategy where the protocol is sequential', () => {
    const { visits } = visitsOf({ ...small, order: 'sequential' }, noisy);
    expect(visits.map(({ strategyId, round }) => `${strategyId}${round}`).join(' ')).toBe(
      'a0 a1 a2 b0 b1 b2 c0 c1 c2 d0 d1 d2 e0 e1 e2',
    );
  });
  it('times all images once per round where the protocol says so', () => {
    const { visits } = visitsOf({ ...small, perRound: 'all-images' }, noisy);
    expect(visits).toHaveLength(15);
    for (const { imageIndices } of visits) expect(imageIndices).toEqual(images);
  });
  it('divides a sustained run into equal parts', () => {
    const plan = planRounds({ ...small, sustained: { durationMs: 30_000 } }, ids, images);
    expect(new Set(plan.map(({ forMs }) => forMs))).toEqual(new Set([10_000]));
  });
  it('visits the reference first, again after four others, and last; always on the same images', () => {
    const { visits } = visitsOf({ ...small, referenceSamples: 2 }, noisy);
    const isReference = visits.map(({ strategyId }) => strategyId === 'c');
    expect(isReference[0]).toBe(true);
    expect(isReference.at(-1)).toBe(true);
    expect(
      isReference
        .map((is) => (is ? '.' : 'x'))
        .join('')
        .split('.')
        .every((run) => run.length <= 4),
    ).toBe(true);
    const short = visits.filter(({ kind }) => kind === 'reference');
    expect(short.length).toBeGreaterThan(1);
    for (const { strategyId, imageIndices } of short) {
      expect(strategyId).toBe('c');
      expect(imageIndices).toEqual([0, 1]);
    }
    expect(visits.filter(({ kind }) => kind === 'timed')).toEqual(planRounds(small, ids, images));
  });
  it('visits it only between strategies where those come one after the other', () => {
    const { visits } = visitsOf({ ...small, order: 'sequential', referenceSamples: 2 }, noisy);
    const order = visits.map(({ strategyId, kind }) => (kind === 'reference' ? '.' : strategyId)).join('');
    expect(order).toBe('.aaa.bbbcccddd.eee.');
  });
  it('has nothing to visit in a study that is done, not even the reference', () => {
    const protocol = { ...small, referenceSamples: 2 };
    const { trials } = visitsOf(protocol, noisy);
    expect(visitsOf(protocol, noisy, Infinity, trials).visits).toEqual([]);
  });

  const stopping: Protocol = {
    ...small,
    rounds: 40,
    stopping: { halfWidth: 0.03, leastRounds: 8, budgetMs: 1e9 },
  };
  const roundsOf = (visits: readonly Visit[], id: string): number =>
    visits.filter(({ strategyId, kind }) => strategyId === id && kind === 'timed').length;
  it('stops visiting strategies whose median is known well enough, after the least rounds', () => {
    const { visits, trials } = visitsOf(stopping, noisy);
    for (const id of ['a', 'c', 'd', 'e']) expect(roundsOf(visits, id)).toBe(8);
    expect(roundsOf(visits, 'b')).toBeGreaterThan(8);
    for (const trial of trials.values()) expect(isMeasured(stopping, trial, [...trials.values()])).toBe(true);
  });
  it('goes on visiting the reference when it is done itself', () => {
    const { visits } = visitsOf({ ...stopping, referenceSamples: 2 }, noisy);
    const lastTimed = visits.findLastIndex(({ strategyId, kind }) => strategyId === 'c' && kind === 'timed');
    expect(visits.slice(lastTimed + 1).some(({ kind }) => kind === 'reference')).toBe(true);
  });
  it('begins no round when the time is up, so that all have the same rounds', () => {
    // A round takes 5 x 4 x 10 ms.
    const timed = { ...stopping, stopping: { halfWidth: 1e-6, leastRounds: 8, budgetMs: 550 } };
    const { visits } = visitsOf(timed, noisy);
    for (const id of ids) expect(roundsOf(visits, id)).toBe(3);
    const alone = visitsOf({ ...timed, order: 'sequential' }, noisy).visits;
    for (const id of ids) expect(roundsOf(alone, id)).toBe(3);
  });
  it('measures each strategy once where there is no time at all', () => {
    const none = { ...stopping, stopping: { halfWidth: 0.03, leastRounds: 8, budgetMs: 1e-9 } };
    for (const id of ids) expect(roundsOf(visitsOf(none, noisy).visits, id)).toBe(1);
  });
  it('goes on after an interruption as it would have', () => {
    for (const protocol of [small, stopping, { ...small, order: 'sequential' } as const]) {
      const whole = visitsOf(protocol, noisy);
      for (const stopAfter of [1, 7, 20]) {
        const { trials } = visitsOf(protocol, noisy, stopAfter);
        const rest = visitsOf(protocol, noisy, Infinity, trials);
        expect(rest.visits).toEqual(whole.visits.slice(stopAfter));
      }
    }
  });
  it('leaves out what failed', () => {
    const failed = makeTrial('d', {
      strategy: { ...makeTrial('d').strategy, id: 'd' },
      state: { kind: 'failed', code: 'x', message: 'y' },
    });
    const { visits } = visitsOf(small, noisy, Infinity, new Map([['d', failed]]));
    expect(new Set(visits.map(({ strategyId }) => strategyId))).toEqual(new Set(['a', 'b', 'c', 'e']));
  });
});

describe('accuracyImages', () => {
  it('takes all images where the protocol allows', () => {
    expect(accuracyImages(PROTOCOLS.standard, 5)).toEqual([0, 1, 2, 3, 4]);
    expect(accuracyImages(PROTOCOLS.quick, 5)).toEqual([0, 1, 2, 3, 4]);
  });
  it('else draws without repetition, from the whole range', () => {
    const images = accuracyImages({ ...PROTOCOLS.quick, accuracyImages: 200 }, 1000);
    expect(new Set(images).size).toBe(200);
    expect(images).toEqual([...images].sort((a, b) => a - b));
    expect(images.filter((image) => image >= 500).length).toBeGreaterThan(70);
    expect(images.at(-1)).toBeLessThan(1000);
  });
});

it('warms up on few images again and again', () => {
  expect(warmUpImages(5, 0, [0, 1])).toEqual([0, 1, 0, 1, 0]);
});

describe('remainingMs', () => {
  const idle: RemainingWork = { inferences: 10, setups: 1, msPerInference: null };
  it('does not guess before anything ran', () => {
    expect(remainingMs([idle], null)).toBeNull();
    expect(remainingMs([idle], 500)).toBeNull();
  });
  it('takes strategies that have not run to be like those that have', () => {
    const running: RemainingWork = { inferences: 5, setups: 0, msPerInference: 20 };
    expect(remainingMs([running, idle], 500)).toBe(5 * 20 + 10 * 20 + 500);
    expect(remainingMs([{ ...running, sustainedMs: 60_000 }], 500)).toBe(5 * 20 + 60_000);
  });
});
