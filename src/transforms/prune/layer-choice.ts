import type { GraphView, NodeView } from '../../onnx/graph-view.ts';
import { nameInRecipes } from '../match-nodes.ts';
import { isPrunable, layerSparsities } from './layer-sparsity.ts';
import { protectedLayers } from './protected-layers.ts';
import type { GroupRatio, StructuredPruneOperator, UnstructuredPruneOperator } from './prune-operator.ts';
import {
  isSameSparsity,
  normaliseSparsityRules,
  ruleFor,
  type Sparsity,
  type SparsityRule,
} from './sparsity-rules.ts';

/** An operator in which layers can have a choice of their own. */
export type LayerwisePruneOperator = UnstructuredPruneOperator | StructuredPruneOperator;

/** What is chosen for a layer: nothing of its own, to stay whole, or how much of it goes. */
export type LayerChoice = 'usual' | 'protected' | Sparsity;

/** What an operator has chosen for layers of a model; null if not the same for all. */
export function choiceFor(
  operator: UnstructuredPruneOperator,
  view: GraphView,
  layers: readonly NodeView[],
): LayerChoice | null {
  const sparsities = layerSparsities(operator, view.nodes, view.outputs, isPrunable);
  const choices = layers.map((layer): LayerChoice => {
    const found = sparsities.of(layer);
    if (found.kind !== 'rule') return found.kind;
    const { ratio, pattern } = found.sparsity;
    return pattern === undefined ? { ratio: ratio ?? 0 } : { pattern };
  });
  const [first = null, ...others] = choices;
  return first !== null && others.every((other) => isSameChoice(first, other)) ? first : null;
}

function isSameChoice(one: LayerChoice, other: LayerChoice): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  return isSameSparsity(one, other);
}

/**
 * The same operator with another choice for layers of a model. What it named of them before goes, so that choosing back
 * and forth leaves nothing behind; patterns that mean others, too, are resolved into the names of these.
 */
export function withChoice(
  operator: UnstructuredPruneOperator,
  view: GraphView,
  layers: readonly NodeView[],
  choice: LayerChoice,
): UnstructuredPruneOperator {
  const chosen = new Set(layers);
  const called = (layer: NodeView): string => nameInRecipes(layer, view.nodes);
  const names = layers.map(called);
  const protect = (operator.protect ?? []).flatMap((pattern) => {
    const { isProtected } = protectedLayers(view.nodes, view.outputs, isPrunable, [pattern]);
    const meant = view.nodes.filter(isProtected);
    if (!meant.some((layer) => chosen.has(layer))) return [pattern];
    return meant.filter((layer) => !chosen.has(layer)).map(called);
  });
  const rules = rulesOf(operator).map(({ nodes, ...sparsity }) => ({
    nodes: nodes.filter((pattern) => !names.includes(pattern)),
    ...sparsity,
  }));
  const stillRuled = layers.filter((layer) => ruleFor(rules, layer) !== undefined);
  const { ratio, pattern } = operator;
  const own: SparsityRule[] =
    choice === 'protected'
      ? []
      : choice !== 'usual'
        ? [{ nodes: names, ...choice }]
        : stillRuled.length === 0
          ? []
          : [
              {
                nodes: stillRuled.map(called),
                ...(pattern === undefined ? { ratio: ratio ?? 0 } : { pattern }),
              },
            ];
  return withRules(
    withProtected(operator, choice === 'protected' ? [...protect, ...names] : protect),
    normaliseSparsityRules([...rules, ...own]),
  );
}

/** The same operator with other layers protected; the field is left out when there are none. */
export function withProtected<O extends LayerwisePruneOperator>(operator: O, protect: readonly string[]): O {
  const { protect: _before, ...rest } = operator;
  return (protect.length === 0 ? rest : { ...rest, protect: [...new Set(protect)] }) as O;
}

/** The rules of an operator; of channels each is for the group that one node belongs to. */
export function rulesOf(operator: LayerwisePruneOperator): readonly SparsityRule[] {
  return operator.kind === 'unstructured'
    ? (operator.layers ?? [])
    : (operator.groups ?? []).map(({ at, ratio }) => ({ nodes: [at], ratio }));
}

/** The same operator with other rules; the field is left out when there are none. */
export function withRules<O extends LayerwisePruneOperator>(operator: O, rules: readonly SparsityRule[]): O {
  if (operator.kind === 'unstructured') {
    const { layers: _before, ...rest } = operator;
    return (rules.length === 0 ? rest : { ...rest, layers: rules }) as O;
  }
  const { groups: _before, ...rest } = operator;
  const groups = rules.flatMap(({ nodes, ratio = 0 }): GroupRatio[] => nodes.map((at) => ({ at, ratio })));
  return (groups.length === 0 ? rest : { ...rest, groups }) as O;
}
