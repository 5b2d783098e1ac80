import type { Node } from '../../onnx/model.ts';
import { isMeant } from '../match-nodes.ts';
import { describe, isObject, parseNodePatterns, refuse, refuseUnknownFields } from '../parse-fields.ts';

/**
 * How many weights of a layer become zero: a share of them in [0, 1), or `N:M`, at most N non-zero ones of every M in
 * a row along the input channels, as NVIDIA's sparse tensor cores take `2:4`. Exactly one of the two is given.
 */
export interface Sparsity {
  readonly ratio?: number;
  readonly pattern?: string;
}

/** Nodes, by name or by patterns with `*`, and how sparse they become. */
export interface SparsityRule extends Sparsity {
  readonly nodes: readonly string[];
}

/** At most `kept` non-zero weights of every `of` in a row. */
export interface KeptOf {
  readonly kept: number;
  readonly of: number;
}

const MAX_RULES = 10_000;
/** N:M goes up to this M. */
export const LARGEST_GROUP = 64;

/** @throws InputError `recipe-invalid` */
export function parseSparsity(json: Record<string, unknown>, path: string): Sparsity {
  const { ratio, pattern } = json;
  if (pattern === undefined) return { ratio: parseRatio(ratio, `${path}.ratio`) };
  const { kept, of } = parsePattern(pattern, `${path}.pattern`);
  const implied = 1 - kept / of;
  if (ratio !== undefined && ratio !== implied)
    refuse(
      `${path}.ratio`,
      `${describe(ratio)} with "pattern": "${kept}:${of}"`,
      `it left out, as ${kept} of ${of} makes it ${implied}`,
    );
  return { pattern: `${kept}:${of}` };
}

/** @throws InputError `recipe-invalid` */
export function parseRatio(value: unknown, path: string): number {
  return typeof value === 'number' && value >= 0 && value < 1
    ? value
    : refuse(path, describe(value), 'a number from 0 up to but not including 1');
}

/** @throws InputError `recipe-invalid` */
function parsePattern(value: unknown, path: string): KeptOf {
  const kind = `"N:M" with 1 <= N < M <= ${LARGEST_GROUP}, e.g. "2:4"`;
  if (typeof value !== 'string' || !/^\d{1,4}:\d{1,4}$/.test(value))
    return refuse(path, describe(value), kind);
  const keptOf = keptOfPattern(value);
  const { kept, of } = keptOf;
  if (kept === 0) refuse(path, `${describe(value)}, which empties the layer`, kind);
  return kept < of && of <= LARGEST_GROUP ? keptOf : refuse(path, describe(value), kind);
}

/** @param pattern `N:M` that was parsed */
export function keptOfPattern(pattern: string): KeptOf {
  const [kept = 0, of = 0] = pattern.split(':').map(Number);
  return { kept, of };
}

/**
 * @param json a list of `{"nodes": [...], "ratio": ...}` or `{"nodes": [...], "pattern": ...}`
 * @throws InputError `recipe-invalid`
 */
export function parseSparsityRules(json: unknown, path: string): readonly SparsityRule[] {
  const rule = '{"nodes": [...], "ratio": ...} or {"nodes": [...], "pattern": ...}';
  if (!Array.isArray(json)) return refuse(path, describe(json), `a list of ${rule}`);
  if (json.length > MAX_RULES) refuse(path, `${json.length} of them`, `at most ${MAX_RULES}`);
  return json.map((each: unknown, index) => {
    const at = `${path}[${index}]`;
    if (!isObject(each)) return refuse(at, describe(each), rule);
    refuseUnknownFields(each, ['nodes', 'ratio', 'pattern'], at);
    return { nodes: parseNodePatterns(each['nodes'], `${at}.nodes`), ...parseSparsity(each, at) };
  });
}

/** The same with names sorted, rules that mean nothing left out, and equal neighbours joined. */
export function normaliseSparsityRules(rules: readonly SparsityRule[]): readonly SparsityRule[] {
  const joined: SparsityRule[] = [];
  for (const { nodes, ...sparsity } of rules) {
    const last = joined.at(-1);
    const isMore = last !== undefined && isSameSparsity(last, sparsity);
    const all = [...new Set([...(isMore ? last.nodes : []), ...nodes])].toSorted();
    if (all.length === 0) continue;
    if (isMore) joined.pop();
    joined.push({ nodes: all, ...sparsity });
  }
  return joined;
}

/** The rule for a node: of several the last; undefined where none means it. */
export function ruleFor(
  rules: readonly SparsityRule[],
  node: Pick<Node, 'name' | 'opType' | 'outputs'>,
): SparsityRule | undefined {
  return rules.findLast(({ nodes }) => nodes.some((pattern) => isMeant(node, pattern)));
}

export function isSameSparsity(one: Sparsity, other: Sparsity): boolean {
  return one.ratio === other.ratio && one.pattern === other.pattern;
}

/** `50%`, `2:4`. */
export function sparsityText({ ratio, pattern }: Sparsity): string {
  return pattern ?? `${Number((100 * (ratio ?? 0)).toFixed(4))}%`;
}
