import { unreachable } from '../base/assert.ts';
import { TRANSFER_TYPES } from './transfer.ts';
import {
  AUTOMATIC_CUTS,
  automaticCutOf,
  defaultTiersOf,
  namedCutsOf,
  type TierModel,
} from './cuts/resolve-cut.ts';
import { DEFAULT_HEAD_SEED } from './exits/trained-head.ts';
import { CONFIDENCE_MEASURES, DEFAULT_CONFIDENCE } from './exits/confidence.ts';
import { describe, isObject, oneOf, optional, refuse, refuseUnknownFields } from './parse-fields.ts';
import { parsePrepare, prepareLabel } from './prepare/prepare-operator.ts';
import {
  normaliseQuantize,
  parseQuantize,
  QUANTIZE_FIELDS,
  quantizeLabel,
} from './quantize/quantize-operator.ts';
import { checkSequence } from './recipe-sequence.ts';
import {
  type Bypass,
  type CutNames,
  DEFAULT_SKIPPED_BLOCKS,
  type EarlyExitOperator,
  type ExistingExitOperator,
  type ExitDecision,
  type NamedRecipe,
  type Operator,
  type PartitionOperator,
  type PruneOperator,
  type Recipe,
  type SkipExitOperator,
  type TrainedExitOperator,
} from './recipe.ts';

/** More operators than this is a mistake, not a recipe. */
const MAX_OPERATORS = 64;
const MAX_RECIPES = 1000;
const MAX_BYPASSES = 1000;
const MAX_TRAINED_EXITS = 64;

/** What `fastest` assumes of the tiers and the link between them; of three tiers the others, too. */
const TWO_TIER_FIELDS = ['headSpeed', 'tailSpeed', 'bandwidthMbps', 'rttMs', 'gmacsPerSecond'] as const;
const THREE_TIER_FIELDS = ['middleSpeed', 'tailBandwidthMbps', 'tailRttMs'] as const;
const TIER_FIELDS = [...TWO_TIER_FIELDS, ...THREE_TIER_FIELDS] as const;

/** How dynamic exits decide. */
const DECISION_FIELDS = ['confidence', 'form'] as const;

/** The fields each operator may have, besides `op`. */
const FIELDS: Readonly<Record<Operator['op'], readonly string[]>> = {
  identity: [],
  'early-exit': ['kind', 'exit', 'threshold', 'exits', 'blocks', 'bypass', 'at', 'seed', ...DECISION_FIELDS],
  partition: ['cut', 'cuts', 'transfer', ...TIER_FIELDS, 'nodeMicroseconds'],
  prepare: ['kind', 'version'],
  quantize: QUANTIZE_FIELDS,
  prune: ['kind', 'ratio', 'scope', 'importance'],
};

/**
 * A recipe from parsed JSON. Strict: unknown operators, fields and values are refused, as are sequences that
 * make no sense for any model. Whether it fits a certain model is `checkRecipe`'s question.
 * @throws InputError `recipe-invalid` or `recipe-sequence`; `where` is a path such as `recipe[1].ratio`
 */
export function parseRecipe(json: unknown): Recipe {
  return parseRecipeAt(json, 'recipe');
}

/**
 * The recipes of a file: one list of operators, one `{ name, recipe }`, or a list of either. Recipes without a
 * name are called by their label.
 * @throws InputError as `parseRecipe`
 */
export function parseRecipeFile(json: unknown): NamedRecipe[] {
  if (!Array.isArray(json)) return [parseNamed(json, 'recipe')];
  if (json.length === 0) refuse('recipes', 'an empty list', 'at least one recipe');
  const isOneRecipe = json.some((entry) => isObject(entry) && !('recipe' in entry));
  if (isOneRecipe) return [unnamed(parseRecipeAt(json, 'recipe'))];
  if (json.length > MAX_RECIPES) refuse('recipes', `${json.length} recipes`, `at most ${MAX_RECIPES}`);
  return json.map((entry, index) =>
    Array.isArray(entry)
      ? unnamed(parseRecipeAt(entry, `recipes[${index}]`))
      : parseNamed(entry, `recipes[${index}]`),
  );
}

/** A short name for people: `identity`, `int8`, `prune 50%`, `exit 1`, `exits τ 0.80`, `cut @conv5`, joined by ` + `. */
export function recipeLabel(recipe: Recipe): string {
  const parts = recipe.filter(({ op }) => op !== 'identity').map(operatorLabel);
  return parts.length === 0 ? 'identity' : parts.join(' + ');
}

/**
 * The same recipe in one canonical form: defaults left out, identities dropped unless alone, lists sorted, equal
 * thresholds merged, fields in a fixed order. Recipes that mean the same give the same JSON text.
 */
export function normaliseRecipe(recipe: Recipe): Recipe {
  const operators = recipe.filter(({ op }) => op !== 'identity').map(normaliseOperator);
  return operators.length === 0 ? [{ op: 'identity' }] : operators;
}

function parseNamed(json: unknown, path: string): NamedRecipe {
  if (!isObject(json)) refuse(path, describe(json), 'a list of operators or { "name", "recipe" }');
  refuseUnknownFields(json, ['name', 'recipe'], path);
  const recipe = parseRecipeAt(json['recipe'], `${path}.recipe`);
  const name = json['name'];
  if (name === undefined) return unnamed(recipe);
  if (typeof name !== 'string' || name.trim() === '')
    refuse(`${path}.name`, describe(name), 'a name as text');
  return { name: name.slice(0, 200), recipe };
}

function unnamed(recipe: Recipe): NamedRecipe {
  return { name: recipeLabel(recipe), recipe };
}

function parseRecipeAt(json: unknown, path: string): Recipe {
  if (!Array.isArray(json)) refuse(path, describe(json), 'a list of operators, e.g. [{"op":"identity"}]');
  if (json.length > MAX_OPERATORS) refuse(path, `${json.length} operators`, `at most ${MAX_OPERATORS}`);
  const recipe = json.map((operator, index) => parseOperator(operator, `${path}[${index}]`));
  checkSequence(recipe, path);
  return recipe;
}

function parseOperator(json: unknown, path: string): Operator {
  if (!isObject(json)) refuse(path, describe(json), 'an operator, e.g. {"op":"identity"}');
  const op = oneOf(json['op'], Object.keys(FIELDS) as Operator['op'][], `${path}.op`);
  refuseUnknownFields(json, ['op', ...FIELDS[op]], path);
  switch (op) {
    case 'identity':
      return { op };
    case 'early-exit':
      return parseEarlyExit(json, path);
    case 'partition':
      return parsePartition(json, path);
    case 'quantize':
      return parseQuantize(json, path);
    case 'prepare':
      return parsePrepare(json, path);
    case 'prune':
      return {
        op,
        kind: oneOf(json['kind'], ['unstructured'], `${path}.kind`),
        ratio: parseRatio(json['ratio'], `${path}.ratio`),
        ...optional('scope', json['scope'], (value) => oneOf(value, ['layer', 'global'], `${path}.scope`)),
        ...optional('importance', json['importance'], (value) => oneOf(value, ['l1'], `${path}.importance`)),
      };
    default:
      return unreachable(op);
  }
}

function parseEarlyExit(json: Record<string, unknown>, path: string): EarlyExitOperator {
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

function parseBypasses(json: unknown, path: string): readonly Bypass[] {
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

function parsePartition(json: Record<string, unknown>, path: string): PartitionOperator {
  const { cut, cuts } = json;
  const transfer = optional('transfer', json['transfer'], (value) =>
    oneOf(value, TRANSFER_TYPES, `${path}.transfer`),
  );
  if (cuts !== undefined) {
    if (cut !== undefined) refuse(path, 'both "cut" and "cuts"', '"cut" for two parts, or "cuts" for three');
    if (typeof cuts === 'string') {
      const kind = oneOf(cuts, AUTOMATIC_CUTS, `${path}.cuts`);
      if (kind !== 'fastest') refuseUnknownFields(json, ['op', 'cuts', 'transfer'], path);
      return { op: 'partition', cuts: kind, ...transfer, ...parseTiers(json, path) };
    }
    refuseUnknownFields(json, ['op', 'cuts', 'transfer'], path);
    if (!Array.isArray(cuts) || cuts.length !== 2)
      refuse(`${path}.cuts`, describe(cuts), 'two cuts, each the names of the values that cross');
    const [first, second] = cuts.map((names, index) => parseNamedCut(names, `${path}.cuts[${index}]`));
    return { op: 'partition', cuts: [first as CutNames, second as CutNames], ...transfer };
  }
  const names = parseCut(cut, `${path}.cut`);
  const fields = names === 'fastest' ? [...TWO_TIER_FIELDS, 'nodeMicroseconds'] : [];
  refuseUnknownFields(json, ['op', 'cut', 'transfer', ...fields], path);
  return { op: 'partition', cut: names, ...transfer, ...parseTiers(json, path) };
}

/** What is said about tiers, links and times. */
function parseTiers(json: Record<string, unknown>, path: string): Partial<TierModel> {
  const positive = (field: string) => (value: unknown) =>
    typeof value === 'number' && Number.isFinite(value) && value > 0
      ? value
      : refuse(`${path}.${field}`, describe(value), 'a number above 0');
  const amount = (field: string) => (value: unknown) => (value === 0 ? 0 : positive(field)(value));
  const given = TIER_FIELDS.flatMap((field) => {
    const value = json[field];
    const read = field === 'rttMs' || field === 'tailRttMs' ? amount : positive;
    return value === undefined ? [] : [[field, read(field)(value)] as const];
  });
  return {
    ...Object.fromEntries(given),
    ...optional('nodeMicroseconds', json['nodeMicroseconds'], (value) =>
      parseTimes(value, `${path}.nodeMicroseconds`),
    ),
  };
}

function parseTimes(json: unknown, path: string): readonly number[] {
  if (!Array.isArray(json) || json.length === 0)
    refuse(path, describe(json), 'a list of microseconds, one for each node');
  const times: readonly unknown[] = json;
  const isTime = (time: unknown): time is number => Number.isSafeInteger(time) && (time as number) >= 0;
  const bad = times.findIndex((time) => !isTime(time));
  if (bad >= 0) refuse(`${path}[${bad}]`, describe(times[bad]), 'whole microseconds, at least 0');
  return times.filter(isTime);
}

function parseNamedCut(json: unknown, path: string): CutNames {
  const automatic = AUTOMATIC_CUTS.find((kind) => kind === json);
  if (automatic !== undefined)
    refuse(path, `"${automatic}"`, `the names of values; "cuts": "${automatic}" leaves both to the lab`);
  return parseCut(json, path);
}

function parseCut(json: unknown, path: string): CutNames {
  const name = (value: unknown, where: string): string =>
    typeof value === 'string' && value !== '' ? value : refuse(where, describe(value), "a value's name");
  if (!Array.isArray(json)) return name(json, path);
  if (json.length === 0) refuse(path, 'an empty list', 'the names of the values that cross');
  const names = json.map((value, index) => name(value, `${path}[${index}]`));
  const seen = new Set<string>();
  names.forEach((value, index) => {
    if (seen.has(value)) refuse(`${path}[${index}]`, `"${value}" again`, 'each value once');
    seen.add(value);
  });
  return names;
}

function parseRatio(value: unknown, path: string): number {
  return typeof value === 'number' && value >= 0 && value < 1
    ? value
    : refuse(path, describe(value), 'a number from 0 up to but not including 1');
}

function operatorLabel(operator: Operator): string {
  switch (operator.op) {
    case 'identity':
      return 'identity';
    case 'early-exit':
      return exitLabel(operator);
    case 'partition':
      return cutLabel(operator);
    case 'quantize':
      return quantizeLabel(operator);
    case 'prepare':
      return prepareLabel(operator);
    case 'prune':
      return `prune ${percent(operator.ratio)}${operator.scope === 'global' ? ' global' : ''}`;
    default:
      return unreachable(operator);
  }
}

/** People count exits from 1, recipes from 0. */
function exitLabel(operator: EarlyExitOperator): string {
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

function shortName(name: string): string {
  return name.length <= 28 ? name : `…${name.slice(-27)}`;
}

function thresholdText(threshold: number): string {
  const short = threshold.toFixed(2);
  return Number(short) === threshold ? short : String(Number(threshold.toPrecision(6)));
}

function cutLabel(operator: PartitionOperator): string {
  const automatic = automaticCutOf(operator);
  const suffix = (operator.transfer ?? 'float32') === 'float32' ? '' : ` ${operator.transfer}`;
  if (automatic !== null) return `${operator.cuts === undefined ? 'cut' : 'two cuts'} ${automatic}${suffix}`;
  const places = namedCutsOf(operator).map(
    ([first = '', ...others]) => `@${shortName(first)}${others.length === 0 ? '' : ` +${others.length}`}`,
  );
  return `cut ${places.join(' ')}${suffix}`;
}

function percent(ratio: number): string {
  return `${Number((100 * ratio).toFixed(4))}%`;
}

function normaliseOperator(operator: Operator): Operator {
  switch (operator.op) {
    case 'identity':
      return operator;
    case 'early-exit':
      return normaliseEarlyExit(operator);
    case 'partition':
      return normalisePartition(operator);
    case 'quantize':
      return normaliseQuantize(operator);
    case 'prepare':
      return operator;
    case 'prune':
      return {
        op: 'prune',
        kind: operator.kind,
        ratio: operator.ratio,
        ...(operator.scope === 'global' ? { scope: 'global' as const } : {}),
      } satisfies PruneOperator;
    default:
      return unreachable(operator);
  }
}

function normaliseEarlyExit(operator: EarlyExitOperator): EarlyExitOperator {
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

function normalisePartition(operator: PartitionOperator): PartitionOperator {
  const automatic = automaticCutOf(operator);
  const transfer = operator.transfer === 'float32' ? undefined : operator.transfer;
  if (automatic !== null) {
    const defaults = defaultTiersOf(operator);
    return {
      op: 'partition',
      ...(operator.cuts === undefined ? { cut: automatic } : { cuts: automatic }),
      ...(transfer && { transfer }),
      ...Object.fromEntries(
        TIER_FIELDS.flatMap((field) => {
          const value = operator[field];
          return value === undefined || value === defaults[field] ? [] : [[field, value]];
        }),
      ),
      ...(operator.nodeMicroseconds && { nodeMicroseconds: operator.nodeMicroseconds }),
    };
  }
  const [first = [], second] = namedCutsOf(operator).map((names): CutNames => {
    const [only, ...others] = names;
    const isPlain =
      only !== undefined && others.length === 0 && !AUTOMATIC_CUTS.some((kind) => kind === only);
    return isPlain ? only : names.toSorted();
  });
  const places = second === undefined ? { cut: first } : { cuts: [first, second] as const };
  return { op: 'partition', ...places, ...(transfer && { transfer }) };
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
