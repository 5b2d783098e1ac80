import type { Failure } from '../../base/result.ts';

/**
 * Why a test cannot take these samples: a value that is no number, or fewer than it needs.
 * @param what as a sentence begins: `The first sample`
 * @returns null if it can
 */
export function unusable(samples: ArrayLike<number>, atLeast: number, what: string): Failure | null {
  for (let i = 0; i < samples.length; i++)
    if (!Number.isFinite(samples[i]))
      return {
        code: 'not-finite',
        message: `${what} holds ${samples[i]} at place ${i + 1} of ${samples.length}; a test needs finite numbers.`,
        hint: 'Leave failed inferences out, or look why they gave no number.',
      };
  if (samples.length >= atLeast) return null;
  const held = samples.length === 0 ? 'is empty' : `holds ${samples.length} of the ${atLeast} values needed`;
  return {
    code: 'too-few-samples',
    message: `${what} ${held}.`,
    hint: 'Measure more rounds or images.',
  };
}

/** As `unusable`, for several samples of which at least `groupsAtLeast` are needed. */
export function unusableGroups(
  groups: readonly ArrayLike<number>[],
  groupsAtLeast: number,
  atLeast: number,
): Failure | null {
  if (groups.length < groupsAtLeast)
    return {
      code: 'too-few-samples',
      message: `${groups.length} of the ${groupsAtLeast} groups needed were given.`,
      hint: 'Choose more strategies to compare.',
    };
  for (const [i, group] of groups.entries()) {
    const failure = unusable(group, atLeast, `Group ${i + 1} of ${groups.length}`);
    if (failure !== null) return failure;
  }
  return null;
}

/** Why samples cannot be pairs: null if they are of one length. */
export function unequalLengths(samples: readonly ArrayLike<number>[]): Failure | null {
  const lengths = samples.map((sample) => sample.length);
  if (lengths.every((length) => length === lengths[0])) return null;
  return {
    code: 'unequal-lengths',
    message: `Pairs need samples of one length, not of ${lengths.join(' and ')} values.`,
    hint: 'Compare the rounds that both finished.',
  };
}

/** What is told where every value equals every other. */
export const ALL_TIED: Failure = {
  code: 'all-tied',
  message: 'All values are equal, so there is nothing to compare.',
  hint: 'A coarse timer does this to fast models: measure in batches or on larger inputs.',
};
