import { unreachable } from '../../base/assert.ts';
import { parseBypasses } from '../exits/exit-operator.ts';
import {
  describe,
  isObject,
  oneOf,
  optional,
  parseNodePatterns,
  parseWhole,
  refuse,
  refuseUnknownFields,
  sortedNames,
} from '../parse-fields.ts';
import type { Bypass } from '../recipe.ts';
import {
  normaliseSparsityRules,
  parseRatio,
  parseSparsity,
  parseSparsityRules,
  type Sparsity,
  type SparsityRule,
  sparsityText,
} from './sparsity-rules.ts';

/** What is taken out of a model: one of a recipe's operators. */
export type PruneOperator = UnstructuredPruneOperator | StructuredPruneOperator | BlockPruneOperator;

/** Single weights become zero; shapes stay. Either `ratio` or `pattern` says how many. */
export interface UnstructuredPruneOperator extends Sparsity {
  readonly op: 'prune';
  readonly kind: 'unstructured';
  /** Rank weights within each layer, or all that have the operator's own ratio together. Default `layer`. */
  readonly scope?: 'layer' | 'global';
  /** The smallest magnitudes, or any, drawn by `seed`. Default `l1`. */
  readonly importance?: 'l1' | 'random';
  /** For `random`. Default 1. */
  readonly seed?: number;
  /** Layers with another sparsity; of several rules that mean one the last counts. */
  readonly layers?: readonly SparsityRule[];
  /** Layers that stay as they are: `first`, `last`, names of nodes, or patterns with `*`. */
  readonly protect?: readonly string[];
}

/** Whole channels and heads are taken out, with all that depends on them: the model becomes smaller. */
export interface StructuredPruneOperator {
  readonly op: 'prune';
  readonly kind: 'structured';
  /** Share of the channels of each group to remove (`layer`), or of all prunable channels (`global`); in [0, 1). */
  readonly ratio: number;
  /** Default `layer`. */
  readonly scope?: 'layer' | 'global';
  /** What makes a channel worth keeping. Default `l1`. */
  readonly importance?: ChannelImportance;
  /** For `random`. Default 1. */
  readonly seed?: number;
  /** What is left of a group is rounded up to a multiple of this. Default 1. */
  readonly roundTo?: number;
  /** At least so many channels stay in each group. Default 1. */
  readonly minChannels?: number;
  /** In so many rounds, each of which ranks what the one before left. Default 1. */
  readonly steps?: number;
  /** Groups with another ratio; of several entries that mean one the last counts. */
  readonly groups?: readonly GroupRatio[];
  /** Layers whose channels all stay: `first`, `last`, names of nodes, or patterns with `*`. */
  readonly protect?: readonly string[];
  /** What is corrected afterwards on images. Default: nothing. */
  readonly recalibrate?: readonly Recalibration[];
  /** For `activation`, `wanda` and `recalibrate`: images to look at. Default 128. */
  readonly samples?: number;
}

/** The group that a node (a name, or a pattern with `*`) belongs to, and the share of its channels to remove. */
export interface GroupRatio {
  readonly at: string;
  readonly ratio: number;
}

/** Whole residual blocks are left out: the ones named, or so many of those that change the output least. */
export interface BlockPruneOperator {
  readonly op: 'prune';
  readonly kind: 'block';
  /** What reads `to` shall read `from`; or how many. */
  readonly blocks: number | readonly Bypass[];
  /** Images that outputs are, or were, compared on; default 128 with a number, and none with names. */
  readonly samples?: number;
}

/**
 * Sums of absolute weights or of squares, scales of batch normalizations, distance to the geometric median, mean
 * absolute activations, these times weights (Wanda), or chance.
 */
export type ChannelImportance = (typeof CHANNEL_IMPORTANCES)[number];

/** Statistics of batch normalizations taken anew, or biases that make up for the mean of what is missing. */
export type Recalibration = (typeof RECALIBRATIONS)[number];

export const CHANNEL_IMPORTANCES = [
  'l1',
  'l2',
  'batch-norm',
  'geometric-median',
  'activation',
  'wanda',
  'random',
] as const;
export const RECALIBRATIONS = ['batch-norm', 'bias'] as const;

/** What a prune operator means where it says nothing. */
export const PRUNE_DEFAULTS = {
  scope: 'layer',
  importance: 'l1',
  seed: 1,
  roundTo: 1,
  minChannels: 1,
  steps: 1,
  samples: 128,
} as const;

const KINDS = ['unstructured', 'structured', 'block'] as const;
const SCOPES = ['layer', 'global'] as const;
const MAX_CHANNELS = 1_000_000;
const MAX_STEPS = 100;
const MAX_GROUPS = 10_000;
const MAX_BLOCKS = 1000;
const MAX_SAMPLES = 100_000;

/** The fields that each kind may have besides `op` and `kind`. */
const FIELDS: Readonly<Record<PruneOperator['kind'], readonly string[]>> = {
  unstructured: ['ratio', 'pattern', 'scope', 'importance', 'seed', 'layers', 'protect'],
  structured: [
    'ratio',
    'scope',
    'importance',
    'seed',
    'roundTo',
    'minChannels',
    'steps',
    'groups',
    'protect',
    'recalibrate',
    'samples',
  ],
  block: ['blocks', 'samples'],
};

/** All fields of a prune operator besides `op`; which of them a kind may have, `parsePrune` tells. */
export const PRUNE_FIELDS: readonly string[] = ['kind', ...new Set(Object.values(FIELDS).flat())];

/** @throws InputError `recipe-invalid` */
export function parsePrune(json: Record<string, unknown>, path: string): PruneOperator {
  const kind = oneOf(json['kind'], KINDS, `${path}.kind`);
  refuseUnknownFields(json, ['op', 'kind', ...FIELDS[kind]], path);
  const op = 'prune';
  const whole = <Name extends string>(name: Name, least: number, most: number) =>
    optional(name, json[name], (value) => parseWhole(value, least, most, `${path}.${name}`));
  const names = optional('protect', json['protect'], (value) => parseNodePatterns(value, `${path}.protect`));
  const seed = whole('seed', 0, Number.MAX_SAFE_INTEGER);
  const scope = optional('scope', json['scope'], (value) => oneOf(value, SCOPES, `${path}.scope`));
  switch (kind) {
    case 'unstructured': {
      if (json['pattern'] !== undefined && json['scope'] === 'global')
        refuse(`${path}.scope`, '"global" with a "pattern"', '"layer": N:M ranks only neighbours');
      return {
        op,
        kind,
        ...parseSparsity(json, path),
        ...scope,
        ...optional('importance', json['importance'], (value) =>
          oneOf(value, ['l1', 'random'], `${path}.importance`),
        ),
        ...seed,
        ...optional('layers', json['layers'], (value) => parseSparsityRules(value, `${path}.layers`)),
        ...names,
      };
    }
    case 'structured':
      return {
        op,
        kind,
        ratio: parseRatio(json['ratio'], `${path}.ratio`),
        ...scope,
        ...optional('importance', json['importance'], (value) =>
          oneOf(value, CHANNEL_IMPORTANCES, `${path}.importance`),
        ),
        ...seed,
        ...whole('roundTo', 1, MAX_CHANNELS),
        ...whole('minChannels', 1, MAX_CHANNELS),
        ...whole('steps', 1, MAX_STEPS),
        ...optional('groups', json['groups'], (value) => parseGroups(value, `${path}.groups`)),
        ...names,
        ...optional('recalibrate', json['recalibrate'], (value) =>
          parseRecalibrations(value, `${path}.recalibrate`),
        ),
        ...whole('samples', 1, MAX_SAMPLES),
      };
    case 'block': {
      const { blocks } = json;
      return {
        op,
        kind,
        blocks: Array.isArray(blocks)
          ? parseBypasses(blocks, `${path}.blocks`)
          : parseWhole(blocks, 1, MAX_BLOCKS, `${path}.blocks`),
        ...whole('samples', 1, MAX_SAMPLES),
      };
    }
    default:
      return unreachable(kind);
  }
}

function parseGroups(json: unknown, path: string): readonly GroupRatio[] {
  const wanted = '{"at": a node\'s name or a pattern with *, "ratio": ...}';
  if (!Array.isArray(json)) return refuse(path, describe(json), `a list of ${wanted}`);
  if (json.length > MAX_GROUPS) refuse(path, `${json.length} of them`, `at most ${MAX_GROUPS}`);
  return json.map((group: unknown, index) => {
    const where = `${path}[${index}]`;
    if (!isObject(group)) return refuse(where, describe(group), wanted);
    refuseUnknownFields(group, ['at', 'ratio'], where);
    const [at = ''] = parseNodePatterns([group['at']], `${where}.at`);
    return { at, ratio: parseRatio(group['ratio'], `${where}.ratio`) };
  });
}

function parseRecalibrations(json: unknown, path: string): readonly Recalibration[] {
  const wanted = RECALIBRATIONS.map((name) => JSON.stringify(name)).join(', ');
  if (!Array.isArray(json)) return refuse(path, describe(json), `a list with some of ${wanted}`);
  return [...new Set(json.map((each, index) => oneOf(each, RECALIBRATIONS, `${path}[${index}]`)))];
}

/** The same with defaults and what has no effect left out, and lists sorted. */
export function normalisePrune(operator: PruneOperator): PruneOperator {
  const { op, kind } = operator;
  switch (kind) {
    case 'unstructured': {
      const { ratio, pattern, layers = [] } = operator;
      const rules = normaliseSparsityRules(layers);
      return {
        op,
        kind,
        ...(pattern === undefined ? { ratio: ratio ?? 0 } : { pattern }),
        ...usualLeftOut(operator, ['scope', 'importance']),
        ...(operator.importance === 'random' && usualLeftOut(operator, ['seed'])),
        ...(rules.length > 0 && { layers: rules }),
        ...sortedNames('protect', operator.protect),
      };
    }
    case 'structured': {
      const { ratio, groups = [], recalibrate = [] } = operator;
      return {
        op,
        kind,
        ratio,
        ...usualLeftOut(operator, ['scope', 'importance']),
        ...(operator.importance === 'random' && usualLeftOut(operator, ['seed'])),
        ...usualLeftOut(operator, ['roundTo', 'minChannels', 'steps']),
        ...(groups.length > 0 && { groups }),
        ...sortedNames('protect', operator.protect),
        ...(recalibrate.length > 0 && { recalibrate: recalibrate.toSorted() }),
        ...(looksAtImages(operator) && usualLeftOut(operator, ['samples'])),
      };
    }
    case 'block': {
      const { blocks } = operator;
      if (typeof blocks === 'number') return { op, kind, blocks, ...usualLeftOut(operator, ['samples']) };
      const sorted = blocks.toSorted((a, b) => (a.to < b.to ? -1 : 1));
      return {
        op,
        kind,
        blocks: sorted.map(({ from, to }) => ({ from, to })),
        ...(operator.samples !== undefined && { samples: operator.samples }),
      };
    }
    default:
      return unreachable(kind);
  }
}

/** These fields where they are not as usual. */
function usualLeftOut<O extends PruneOperator, Name extends keyof typeof PRUNE_DEFAULTS & keyof O>(
  operator: O,
  names: readonly Name[],
): Partial<Pick<O, Name>> {
  const kept = names.flatMap((name) => {
    const value: unknown = operator[name];
    return value === undefined || value === PRUNE_DEFAULTS[name] ? [] : [[name, value]];
  });
  return Object.fromEntries(kept) as Partial<Pick<O, Name>>;
}

/** Whether the operator needs, or was made with, numbers that only running the model on images gives. */
export function looksAtImages(operator: PruneOperator): boolean {
  switch (operator.kind) {
    case 'unstructured':
      return false;
    case 'structured': {
      const { importance, recalibrate = [] } = operator;
      return importance === 'activation' || importance === 'wanda' || recalibrate.length > 0;
    }
    case 'block':
      return typeof operator.blocks === 'number' || operator.samples !== undefined;
    default:
      return unreachable(operator);
  }
}

/**
 * `prune weights 50% l1 global`, `prune weights 2:4 l1`, `prune channels 50% l2`, `prune channels of 7 groups l1`,
 * `prune 2 blocks`.
 */
export function pruneLabel(operator: PruneOperator): string {
  switch (operator.kind) {
    case 'unstructured': {
      const { layers = [], protect = [] } = operator;
      return [
        `prune weights ${sparsityText(operator)}`,
        ...rankingWords(operator),
        ...more(layers, protect),
      ].join(' ');
    }
    case 'structured': {
      const { ratio, roundTo = 1, steps = 1, groups = [], protect = [], recalibrate = [] } = operator;
      const isOfGroups = ratio === 0 && groups.length > 0;
      return [
        isOfGroups
          ? `prune channels of ${groups.length} ${groups.length === 1 ? 'group' : 'groups'}`
          : `prune channels ${sparsityText({ ratio })}`,
        ...rankingWords(operator),
        ...(roundTo === 1 ? [] : [`by ${roundTo}`]),
        ...(steps === 1 ? [] : [`in ${steps} steps`]),
        ...more(isOfGroups ? [] : groups, protect),
        ...(recalibrate.length === 0 ? [] : ['recalibrated']),
      ].join(' ');
    }
    case 'block': {
      const count = typeof operator.blocks === 'number' ? operator.blocks : operator.blocks.length;
      return `prune ${count} ${count === 1 ? 'block' : 'blocks'}`;
    }
    default:
      return unreachable(operator);
  }
}

function rankingWords({
  scope = PRUNE_DEFAULTS.scope,
  importance = PRUNE_DEFAULTS.importance,
  seed = PRUNE_DEFAULTS.seed,
}: UnstructuredPruneOperator | StructuredPruneOperator): readonly string[] {
  const isSeeded = importance === 'random' && seed !== PRUNE_DEFAULTS.seed;
  return [importance, ...(isSeeded ? [String(seed)] : []), ...(scope === 'global' ? [scope] : [])];
}

/** That some layers are treated in another way. */
function more(rules: readonly unknown[], protect: readonly string[]): readonly string[] {
  return [
    ...(rules.length === 0 ? [] : [`+${rules.length}`]),
    ...(protect.length === 0 ? [] : [`without ${protect.length}`]),
  ];
}
