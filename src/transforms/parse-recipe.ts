import { unreachable } from '../base/assert.ts';
import { cutLabel, normalisePartition, parsePartition, PARTITION_FIELDS } from './cuts/partition-operator.ts';
import { EARLY_EXIT_FIELDS, exitLabel, normaliseEarlyExit, parseEarlyExit } from './exits/exit-operator.ts';
import { describe, isObject, oneOf, refuse, refuseUnknownFields } from './parse-fields.ts';
import { parsePrepare, prepareLabel } from './prepare/prepare-operator.ts';
import { normalisePrune, parsePrune, PRUNE_FIELDS, pruneLabel } from './prune/prune-operator.ts';
import {
  normaliseQuantize,
  parseQuantize,
  QUANTIZE_FIELDS,
  quantizeLabel,
} from './quantize/quantize-operator.ts';
import { checkSequence } from './recipe-sequence.ts';
import type { NamedRecipe, Operator, Recipe } from './recipe.ts';

/** The fields each operator may have, besides `op`. */
const FIELDS: Readonly<Record<Operator['op'], readonly string[]>> = {
  identity: [],
  'early-exit': EARLY_EXIT_FIELDS,
  partition: PARTITION_FIELDS,
  prepare: ['kind', 'version'],
  quantize: QUANTIZE_FIELDS,
  prune: PRUNE_FIELDS,
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

/** A short name for people: `identity`, `int8`, `prune weights 50% l1`, `exit 1`, `exits τ 0.80`, `cut @conv5`, joined by ` + `. */
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
      return parsePrune(json, path);
    default:
      return unreachable(op);
  }
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
      return pruneLabel(operator);
    default:
      return unreachable(operator);
  }
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
      return normalisePrune(operator);
    default:
      return unreachable(operator);
  }
}

/** More operators than this is a mistake, not a recipe. */
const MAX_OPERATORS = 64;
const MAX_RECIPES = 1000;
