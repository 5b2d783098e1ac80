import { formatBytes, formatMs, formatShare } from '../../base/units.ts';
import type { StrategyFacts } from '../compare/strategy-facts.ts';
import { type AdviceForAll, recommendForAll } from './across-devices.ts';
import type { Advice, Choice } from './recommend.ts';
import { NO_LIMITS, WISHES } from './wishes.ts';

/** The numbers of a choice in a line: `4.12 ms, p90 4.80 ms, 97.2 % right, 26.6 kB`. */
export function choiceNumbers(
  { latencyMs, latencyP90Ms, quality, rawBytes }: Choice,
  measure: Advice['measure'],
): string {
  return [
    formatMs(latencyMs),
    `p90 ${formatMs(latencyP90Ms)}`,
    ...(quality === null ? [] : [`${formatShare(quality)} ${qualityWords(measure)}`]),
    ...(rawBytes === null ? [] : [formatBytes(rawBytes)]),
  ].join(', ');
}

function qualityWords(measure: Advice['measure']): string {
  return measure === 'agreement' ? 'as the original' : measure === 'miou' ? 'mean IoU' : 'right';
}

/** Advice as plain text, a line per sentence. */
export function adviceText({ devices, sharedText }: AdviceForAll): string {
  const lines = devices.flatMap((advice) => [
    `On ${advice.deviceName}:`,
    ...linesOf(advice).map((line) => `  ${line}`),
    '',
  ]);
  return [...lines, ...(sharedText === null ? [] : [sharedText, ''])].join('\n');
}

/** Advice for each wish, without limits. */
export function adviceForWishes(facts: readonly StrategyFacts[]): string {
  return WISHES.map(
    ({ id, label, meaning }) =>
      `${label} (${meaning})\n\n${adviceText(recommendForAll(facts, NO_LIMITS, id))}`,
  ).join('\n');
}

function linesOf(advice: Advice): readonly string[] {
  const { outcome, measure, evidence, mindChangers, next } = advice;
  const list = (title: string, texts: readonly string[]) =>
    texts.length === 0 ? [] : [title, ...texts.map((text) => `- ${text}`)];
  const rest = [
    ...list('Evidence:', evidence),
    ...list(
      'What would change that:',
      mindChangers.map(({ text }) => text),
    ),
    ...list('What to measure next:', next),
  ];
  switch (outcome.kind) {
    case 'no-answer':
      return [outcome.reason, ...rest];
    case 'nothing-fits':
      return [
        `Nothing measured keeps within the limits. The nearest is ${outcome.nearest.name} (${choiceNumbers(outcome.nearest, measure)}).`,
        ...outcome.misses.map((miss) => `- ${miss}`),
        ...rest,
      ];
    case 'chosen':
      return [
        `Use ${outcome.winner.name} (${choiceNumbers(outcome.winner, measure)}).`,
        ...(outcome.runnerUp
          ? [`Runner-up: ${outcome.runnerUp.name} (${choiceNumbers(outcome.runnerUp, measure)}).`]
          : []),
        ...rest,
      ];
  }
}
