import { unreachable } from '../../base/assert.ts';
import {
  describe,
  isObject,
  oneOf,
  optional,
  refuse,
  refuseUnknownFields,
  shortName,
} from '../parse-fields.ts';
import {
  type Bypass,
  DEFAULT_SKIPPED_BLOCKS,
  type EarlyExitOperator,
  type ExistingExitOperator,
  type ExitDecision,
  type SkipExitOperator,
  type TrainedExitOperator,
} from '../recipe.ts';
import { CONFIDENCE_MEASURES, DEFAULT_CONFIDENCE } from './confidence.ts';
import { DEFAULT_HEAD_SEED } from './trained-head.ts';

const MAX_BYPASSES = 1000;
const MAX_TRAINED_EXITS = 64;

/** How dynamic exits decide. */
const DECISION_FIELDS = ['confidence', 'form'] as const;

/** All fields of an early exit besides `op`; which of them a kind may have, `parseEarlyExit` tells. */
export const EARLY_EXIT_FIELDS: readonly string[] = [
  'kind',
  'exit',
  'threshold',
  'exits',
  'blocks',
  'bypass',
  'at',
  'seed',
  ...DECISION_FIELDS,
];

/** @throws InputError `recipe-invalid` */
export function parseEarlyExit(json: Record<string, unknown>, path: string): EarlyExitOperator {
  const kind = oneOf(json['kind'], ['existing', 'skip', 'trained'], `${path}.kind`);
  if (kind === 'skip') return parseSkip(json, path);
  if (kind === 'trained') return parseTrained(json, path);
  refuseUnknownFields(json, ['op', 'kind', 'exit', 'threshold', 'exits', ...DECISION_FIELDS], path);
  const isFixed = json['exit'] !== undefined;
  if (isFixed === (json['threshold'] !== undefined)) {
    refuse(
      path,
      isFixed ? 'both "exit" and "threshold"' : 'neither "exit" nor "threshold"',
      'exactly one: "exit" always stops there, "threshold" stops where the model is confident enough',
    );
  }
  if (isFixed) {
    if (json['exits'] !== undefined) {
      refuse(`${path}.exits`, 'a list next to a fixed "exit"', 'it only together with "threshold"');
    }
    parseDecision(json, path);
    return { op: 'early-exit', kind, exit: parseExitIndex(json['exit'], `${path}.exit`) };
  }
  return {
    op: 'early-exit',
    kind,
    threshold: parseThresholds(json['threshold'], `${path}.threshold`),
    ...optional('exits', json['exits'], (value) => parseExits(value, `${path}.exits`)),
    ...parseDecision(json, path),
  };
}

/** `exit 2`, `exits τ 0.80`, `skip 2`, `trained exits @relu2 @relu4 τ 0.80`. People count exits from 1, recipes from 0. */
export function exitLabel(operator: EarlyExitOperator): string {
  if (operator.kind === 'skip') return skipLabel(operator);
  if (operator.kind === 'trained')
    return trainedLabel(operator, (values) => values.map((name) => `@${shortName(name)}`).join(' '));
  const { exit, threshold, exits } = operator;
  if (exit !== undefined) return `exit ${exit + 1}`;
  const thresholds = typeof threshold === 'number' ? [threshold] : (threshold ?? []);
  const which = exits === undefined ? '' : ` ${sortedNumbers(exits.map((each) => each + 1)).join(',')}`;
  return `exits${which} τ ${thresholds.map(thresholdText).join('/')}${decisionLabel(operator)}`;
}

/**
 * `trained exits @relu2 @relu4 τ 0.80`, `trained exit @relu2`, `trained exits 3, all run`.
 * @param placesOf how the values that exits hang on are called, one or two of them
 */
export function trainedLabel(
  operator: TrainedExitOperator,
  placesOf: (values: readonly string[]) => string,
): string {
  const { at, exit, threshold } = operator;
  if (exit !== undefined) return `trained exit ${placesOf([at[exit] ?? String(exit)])}`;
  const thresholds = typeof threshold === 'number' ? [threshold] : (threshold ?? []);
  const stop =
    thresholds.length === 0
      ? ', all run'
      : ` τ ${thresholds.map(thresholdText).join('/')}${decisionLabel(operator)}`;
  const places = at.length <= 2 ? placesOf(at) : String(at.length);
  return `trained ${at.length === 1 ? 'exit' : 'exits'} ${places}${stop}`;
}

/** The same with defaults left out, lists sorted and equal thresholds merged. */
export function normaliseEarlyExit(operator: EarlyExitOperator): EarlyExitOperator {
  switch (operator.kind) {
    case 'existing':
      return normaliseExit(operator);
    case 'skip':
      return normaliseSkip(operator);
    case 'trained':
      return normaliseTrained(operator);
    default:
      return unreachable(operator);
  }
}

function parseTrained(json: Record<string, unknown>, path: string): TrainedExitOperator {
  refuseUnknownFields(json, ['op', 'kind', 'at', 'exit', 'threshold', 'seed', ...DECISION_FIELDS], path);
  const { at, exit, threshold } = json;
  if (!Array.isArray(at) || at.length === 0) refuse(`${path}.at`, describe(at), 'a list of value names');
  if (at.length > MAX_TRAINED_EXITS)
    refuse(`${path}.at`, `${at.length} exits`, `at most ${MAX_TRAINED_EXITS}`);
  const names = at.map((name: unknown, index): string => {
    const where = `${path}.at[${index}]`;
    if (typeof name !== 'string' || name === '') return refuse(where, describe(name), "a value's name");
    return at.indexOf(name) === index ? name : refuse(where, `"${name}" again`, 'each value once');
  });
  if (exit !== undefined && threshold !== undefined) {
    refuse(path, 'both "exit" and "threshold"', 'one of them, or neither to only add the exits to the model');
  }
  return {
    op: 'early-exit',
    kind: 'trained',
    at: names,
    ...optional('exit', exit, (value) => parseExitIndex(value, `${path}.exit`)),
    ...optional('threshold', threshold, (value) => parseThresholds(value, `${path}.threshold`)),
    ...parseDecision(json, path),
    ...optional('seed', json['seed'], (value) =>
      Number.isSafeInteger(value) && (value as number) >= 0
        ? (value as number)
        : refuse(`${path}.seed`, describe(value), 'a whole number from 0'),
    ),
  };
}

function parseSkip(json: Record<string, unknown>, path: string): SkipExitOperator {
  refuseUnknownFields(json, ['op', 'kind', 'blocks', 'bypass'], path);
  const { blocks, bypass } = json;
  if (blocks !== undefined && bypass !== undefined) {
    refuse(path, 'both "blocks" and "bypass"', '"blocks" for the last identical ones, or "bypass" by name');
  }
  const count = (value: unknown): number =>
    Number.isSafeInteger(value) && (value as number) > 0
      ? (value as number)
      : refuse(`${path}.blocks`, describe(value), 'how many blocks to skip, from 1');
  return {
    op: 'early-exit',
    kind: 'skip',
    ...optional('blocks', blocks, count),
    ...optional('bypass', bypass, (value) => parseBypasses(value, `${path}.bypass`)),
  };
}

/** @throws InputError `recipe-invalid` */
export function parseBypasses(json: unknown, path: string): readonly Bypass[] {
  if (!Array.isArray(json) || json.length === 0)
    refuse(path, describe(json), 'a list of { "from", "to" }, the names of two values');
  if (json.length > MAX_BYPASSES) refuse(path, `${json.length} of them`, `at most ${MAX_BYPASSES}`);
  const seen = new Set<string>();
  return json.map((entry: unknown, index): Bypass => {
    const where = `${path}[${index}]`;
    if (!isObject(entry)) refuse(where, describe(entry), '{ "from", "to" }, the names of two values');
    refuseUnknownFields(entry, ['from', 'to'], where);
    const name = (field: 'from' | 'to'): string => {
      const value = entry[field];
      return typeof value === 'string' && value !== ''
        ? value
        : refuse(`${where}.${field}`, describe(value), "a value's name");
    };
    const bypass = { from: name('from'), to: name('to') };
    if (bypass.from === bypass.to) refuse(where, `"${bypass.to}" twice`, 'two different values');
    if (seen.has(bypass.to)) refuse(`${where}.to`, `"${bypass.to}" again`, 'each value once');
    seen.add(bypass.to);
    return bypass;
  });
}

function parseDecision(json: Record<string, unknown>, path: string): ExitDecision {
  for (const field of DECISION_FIELDS) {
    if (json[field] === undefined || json['threshold'] !== undefined) continue;
    refuse(`${path}.${field}`, 'it without a "threshold"', 'it only where a threshold decides');
  }
  return {
    ...optional('confidence', json['confidence'], (value) =>
      oneOf(value, CONFIDENCE_MEASURES, `${path}.confidence`),
    ),
    ...optional('form', json['form'], (value) => oneOf(value, ['segments', 'if'], `${path}.form`)),
  };
}

function parseThresholds(json: unknown, path: string): number | readonly number[] {
  const one = (value: unknown, where: string): number =>
    typeof value === 'number' && value > 0 && value <= 1
      ? value
      : refuse(where, describe(value), 'a number above 0 and up to 1');
  if (!Array.isArray(json)) return one(json, path);
  if (json.length === 0) refuse(path, 'an empty list', 'a number, or one number for each exit but the last');
  return json.map((value, index) => one(value, `${path}[${index}]`));
}

function parseExits(json: unknown, path: string): readonly number[] {
  if (!Array.isArray(json) || json.length === 0) refuse(path, describe(json), 'a list of exit numbers');
  const exits = json.map((value, index) => parseExitIndex(value, `${path}[${index}]`));
  exits.forEach((exit, index) => {
    if (exits.indexOf(exit) !== index) refuse(`${path}[${index}]`, `exit ${exit} again`, 'each exit once');
  });
  return exits;
}

function parseExitIndex(value: unknown, path: string): number {
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : refuse(path, describe(value), 'the number of an exit, counted from 0');
}

/** What is not usual about how exits decide: ` margin`, ` in one file`. */
function decisionLabel({ confidence = DEFAULT_CONFIDENCE, form }: ExitDecision): string {
  const measure = confidence === DEFAULT_CONFIDENCE ? '' : ` ${confidence}`;
  return `${measure}${form === 'if' ? ' in one file' : ''}`;
}

function skipLabel({ blocks, bypass }: SkipExitOperator): string {
  const [first, ...others] = bypass ?? [];
  if (first === undefined) return `skip ${blocks ?? DEFAULT_SKIPPED_BLOCKS}`;
  return `skip to ${shortName(first.to)}${others.length === 0 ? '' : ` +${others.length}`}`;
}

function thresholdText(threshold: number): string {
  const short = threshold.toFixed(2);
  return Number(short) === threshold ? short : String(Number(threshold.toPrecision(6)));
}

/** The order of `at` stays: `exit` and `threshold` count by it. */
function normaliseTrained(operator: TrainedExitOperator): TrainedExitOperator {
  const { op, kind, at, exit, threshold, seed } = operator;
  return {
    op,
    kind,
    at,
    ...(exit === undefined ? {} : { exit }),
    ...(threshold === undefined ? {} : { threshold: mergedThresholds(threshold) }),
    ...normaliseDecision(operator),
    ...(seed === undefined || seed === DEFAULT_HEAD_SEED ? {} : { seed }),
  };
}

function normaliseDecision({ confidence, form }: ExitDecision): ExitDecision {
  return {
    ...(confidence === undefined || confidence === DEFAULT_CONFIDENCE ? {} : { confidence }),
    ...(form === 'if' ? { form } : {}),
  };
}

/** One number where all are equal. */
function mergedThresholds(threshold: number | readonly number[]): number | readonly number[] {
  const [first, ...others] = typeof threshold === 'number' ? [threshold] : threshold;
  return first !== undefined && others.every((other) => other === first) ? first : threshold;
}

function normaliseSkip({ op, kind, blocks, bypass }: SkipExitOperator): SkipExitOperator {
  if (bypass === undefined) return { op, kind, blocks: blocks ?? DEFAULT_SKIPPED_BLOCKS };
  const sorted = bypass.toSorted((a, b) => (a.to < b.to ? -1 : 1));
  return { op, kind, bypass: sorted.map(({ from, to }) => ({ from, to })) };
}

function normaliseExit(operator: ExistingExitOperator): ExistingExitOperator {
  const { threshold, exits } = operator;
  if (threshold === undefined) return operator;
  return {
    op: 'early-exit',
    kind: operator.kind,
    threshold: mergedThresholds(threshold),
    ...(exits === undefined ? {} : { exits: sortedNumbers(exits) }),
    ...normaliseDecision(operator),
  };
}

function sortedNumbers(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b);
}
