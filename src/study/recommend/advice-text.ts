import { formatBytes, formatMs, formatShare } from '../../base/units.ts';
import type { StrategyFacts } from '../compare/strategy-facts.ts';
import { type AdviceForAll, recommendForAll } from './across-devices.ts';
import type { Advice, Choice } from './recommend.ts';
import { type Asked, type Limits, NO_LIMITS, WISHES } from './wishes.ts';

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
function adviceText({ devices, sharedText }: AdviceForAll): string {
  const lines = devices.flatMap((advice) => [
    `On ${advice.deviceName}:`,
    ...linesOf(advice).map((line) => `  ${line}`),
    '',
  ]);
  return [...lines, ...(sharedText === null ? [] : [sharedText, ''])].join('\n');
}

/** Every wish, without limits: what is advised on where nobody asks. */
const EVERY_WISH: readonly Asked[] = WISHES.map(({ id }) => ({ limits: NO_LIMITS, wish: id }));

/**
 * Advice as files have it.
 * @param asked null: for each wish, without limits
 * @returns plain text; and the same as JSON, with the numbers of each choice
 */
export function adviceFiles(
  facts: readonly StrategyFacts[],
  asked: Asked | null,
): { readonly text: string; readonly json: string } {
  return adviceFilesOf(
    (asked === null ? EVERY_WISH : [asked]).map(({ limits, wish }) => ({
      wish,
      limits,
      ...recommendForAll(facts, limits, wish),
    })),
  );
}

/** The same of what was advised. */
export function adviceFilesOf(advised: readonly (Asked & AdviceForAll)[]): {
  readonly text: string;
  readonly json: string;
} {
  const text = advised
    .map((each) => {
      const wished = WISHES.find(({ id }) => id === each.wish);
      return `${wished?.label} (${wished?.meaning})${limitsText(each.limits)}\n\n${adviceText(each)}`;
    })
    .join('\n');
  return { text, json: JSON.stringify({ format: 'paretoscope-advice', formatVersion: 1, advised }, null, 2) };
}

/** `, within: p90Ms 20` */
function limitsText({ accuracyLoss, latencyP90Ms, rawBytes, heapBytes, tiers, link }: Limits): string {
  const parts = [
    accuracyLoss === null ? null : `${formatShare(accuracyLoss)} of the answers lost`,
    latencyP90Ms === null ? null : `a p90 of ${formatMs(latencyP90Ms)}`,
    rawBytes === null ? null : `${formatBytes(rawBytes)} of files`,
    heapBytes === null ? null : `${formatBytes(heapBytes)} of memory`,
    tiers === null ? null : `computed on ${tiers.join(' and ')}`,
    link === null ? null : `a link of ${link.bandwidthMbps} Mbit/s with a round trip of ${link.rttMs} ms`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? '' : `, within ${parts.join(', ')}`;
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
