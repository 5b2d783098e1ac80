import type { Node } from '../../onnx/model.ts';
import { isMeant } from '../match-nodes.ts';
import {
  describe,
  isObject,
  oneOf,
  parseNodePatterns,
  refuse,
  refuseUnknownFields,
} from '../parse-fields.ts';
import type { StaticQuantizeOperator } from './quantize-operator.ts';

/** How a node computes, or how its weights are stored. */
export type Precision = (typeof PRECISIONS)[number];

/** From most to fewest bits. */
export const PRECISIONS = ['float32', 'float16', 'int8', 'int8-weights', 'int4-weights'] as const;

/** What a sensitivity scan puts layers in. */
export type ScannedPrecision = Extract<Precision, 'int8' | 'int4-weights'>;

/** What a mixed operator takes for nodes that no rule means. */
export const DEFAULT_PRECISION: Precision = 'int8';

/** Nodes, by name or by patterns with `*`, and how they compute. */
export interface PrecisionRule {
  readonly nodes: readonly string[];
  readonly precision: Precision;
}

/** A precision for each node; those in int8 are quantized as the static operator's fields say. */
export interface MixedQuantizeOperator extends Omit<StaticQuantizeOperator, 'mode' | 'exclude' | 'format'> {
  readonly mode: 'mixed';
  readonly format?: 'qdq' | 'qoperator';
  /** Of several rules that mean a node the last counts. */
  readonly layers: readonly PrecisionRule[];
  /** For all other nodes. Default int8. */
  readonly default?: Precision;
}

const MAX_RULES = 10_000;

/** @throws InputError `recipe-invalid` */
export function parseRules(json: unknown, path: string): readonly PrecisionRule[] {
  if (!Array.isArray(json))
    return refuse(path, describe(json), 'a list of {"nodes": [...], "precision": ...}');
  if (json.length > MAX_RULES) refuse(path, `${json.length} of them`, `at most ${MAX_RULES}`);
  return json.map((rule: unknown, index) => {
    const at = `${path}[${index}]`;
    if (!isObject(rule)) return refuse(at, describe(rule), '{"nodes": [...], "precision": ...}');
    refuseUnknownFields(rule, ['nodes', 'precision'], at);
    return {
      nodes: parseNodePatterns(rule['nodes'], `${at}.nodes`),
      precision: oneOf(rule['precision'], PRECISIONS, `${at}.precision`),
    };
  });
}

/** The same with names sorted, rules that mean nothing left out, and equal neighbours joined. */
export function normaliseRules(rules: readonly PrecisionRule[]): readonly PrecisionRule[] {
  const joined: PrecisionRule[] = [];
  for (const { nodes, precision } of rules) {
    const last = joined.at(-1);
    const isMore = last?.precision === precision;
    const all = [...new Set([...(isMore ? last.nodes : []), ...nodes])].toSorted();
    if (all.length === 0) continue;
    if (isMore) joined.pop();
    joined.push({ nodes: all, precision });
  }
  return joined;
}

/** The precisions that may occur. */
export function precisionsOf({ layers, default: usual }: MixedQuantizeOperator): ReadonlySet<Precision> {
  return new Set([usual ?? DEFAULT_PRECISION, ...layers.map(({ precision }) => precision)]);
}

/** `mixed int8, 2 float32, 1 int4-weights`: of rules, the number of names and patterns. */
export function mixedLabel({ layers, default: usual }: MixedQuantizeOperator): string {
  const counts = new Map<Precision, number>();
  for (const { nodes, precision } of layers) {
    counts.set(precision, (counts.get(precision) ?? 0) + nodes.length);
  }
  const others = [...counts].map(([precision, count]) => `, ${count} ${precision}`);
  return `mixed ${usual ?? DEFAULT_PRECISION}${others.join('')}`;
}

/** A static operator as a mixed one that means the same. */
export function mixedFrom({ exclude = [], format, ...form }: StaticQuantizeOperator): MixedQuantizeOperator {
  return {
    ...form,
    mode: 'mixed',
    ...(format !== undefined && format !== 'auto' && { format }),
    layers: exclude.length === 0 ? [] : [{ nodes: exclude, precision: 'float32' }],
  };
}

/** A static operator with the form of a mixed one, for all nodes. */
export function staticFrom({
  layers: _layers,
  default: _usual,
  ...form
}: MixedQuantizeOperator): StaticQuantizeOperator {
  return { ...form, mode: 'static' };
}

/**
 * The same operator with some nodes set to a precision. What rules said of their names before goes, so that choosing
 * back and forth leaves nothing behind.
 * @param nodes names
 */
export function withPrecision(
  operator: MixedQuantizeOperator,
  nodes: readonly string[],
  precision: Precision,
): MixedQuantizeOperator {
  const chosen = new Set(nodes);
  const others = operator.layers.map((rule) => ({
    ...rule,
    nodes: rule.nodes.filter((name) => !chosen.has(name)),
  }));
  return { ...operator, layers: normaliseRules([...others, { nodes, precision }]) };
}

/** How a node computes by an operator's rules. */
export function precisionOf(
  { layers, default: usual = DEFAULT_PRECISION }: Pick<MixedQuantizeOperator, 'layers' | 'default'>,
  node: Pick<Node, 'name' | 'opType' | 'outputs'>,
): Precision {
  const rule = layers.findLast(({ nodes }) => nodes.some((pattern) => isMeant(node, pattern)));
  return rule?.precision ?? usual;
}
