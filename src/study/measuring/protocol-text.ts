import { formatMs, formatShare } from '../../base/units.ts';
import type { Protocol } from '../trial.ts';

/** How a protocol measures, in one sentence for people. */
export function protocolSentence(protocol: Protocol): string {
  const { accuracyImages, accuracyRepetitions = 1, referenceSamples = 0, order, sustained } = protocol;
  const accuracy = accuracyImages === null ? 'all images' : `up to ${accuracyImages} images`;
  return [
    `${warmUpText(protocol)}, then ${roundsText(protocol)}`,
    order === 'sequential' || sustained
      ? 'one strategy after the other'
      : 'the strategies in a new random order each round',
    ...(referenceSamples > 0
      ? ['short visits to the unchanged model in between, to see whether the device changes']
      : []),
    `accuracy on ${accuracy}${accuracyRepetitions > 1 ? `, ${accuracyRepetitions} times` : ''}.`,
  ].join('; ');
}

function warmUpText({ warmUpRuns, mostWarmUpRuns }: Protocol): string {
  return mostWarmUpRuns === undefined
    ? `${warmUpRuns} warm-up runs`
    : `Warm-up until latency is steady, ${warmUpRuns} to ${mostWarmUpRuns} runs`;
}

function roundsText({ rounds, samplesPerRound, perRound, images, stopping, sustained }: Protocol): string {
  if (sustained) return `${formatMs(sustained.durationMs)} without rest`;
  const many = images ? `the ${images.count} largest images` : 'all images';
  const each = perRound === 'all-images' ? many : `${samplesPerRound} inferences`;
  if (!stopping) return `${rounds} rounds of ${each}`;
  return `${stopping.leastRounds} to ${rounds} rounds of ${each}, until the 95 % interval of each median reaches at most ${formatShare(stopping.halfWidth)} to either side or timing took ${formatMs(stopping.budgetMs)}`;
}
