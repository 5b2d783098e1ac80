import { makeNode } from '../../onnx/attributes.ts';
import type { ValueView } from '../../onnx/graph-view.ts';
import { type ValueInfo, valueName } from '../../onnx/model.ts';
import { isUnusableName } from '../../onnx/unusable-name.ts';
import type { CompiledSegment } from '../compile-segments.ts';
import { namesIn, uniqueNames } from '../graph-names.ts';
import type { Variant } from '../variant.ts';

/**
 * Gives values that one segment hands to another a name that the runtime can return: a value may be called anything,
 * but one called `__proto__` would be lost on the way through a JavaScript object. Inside the segments it keeps its
 * name.
 */
export function withSafeNames(
  segments: readonly CompiledSegment[],
  cuts: Variant['cuts'],
): { readonly segments: readonly CompiledSegment[]; readonly cuts: Variant['cuts'] } {
  const handedOver = new Set(segments.flatMap(({ plan }) => plan.inputs.map(({ name }) => name)));
  const made = segments.flatMap(({ plan }) => plan.outputs.map(({ name }) => name));
  const unsafe = made.filter((name) => handedOver.has(name) && isUnusableName(name));
  if (unsafe.length === 0) return { segments, cuts };
  const unique = uniqueNames(new Set(segments.flatMap(({ model }) => [...namesIn(model.graph)])));
  const safe = new Map(unsafe.map((name) => [name, valueName(unique(`value${name}`))]));
  const renamed = <T extends Pick<ValueView, 'name'>>(value: T): T => {
    const name = safe.get(value.name);
    return name === undefined ? value : { ...value, name };
  };
  const copy = (from: string, to: string) =>
    makeNode('Identity', [from], [to], [], { name: unique(`${to}_copy`) });
  return {
    segments: segments.map(({ model, plan, ...rest }) => {
      const { graph } = model;
      const given = plan.inputs.flatMap(({ name }) => safe.get(name) ?? []);
      const taken = plan.outputs.flatMap(({ name }) => safe.get(name) ?? []);
      const original = (name: string): string => unsafe.find((each) => safe.get(each) === name) ?? name;
      const nodes = [
        ...given.map((name) => copy(name, original(name))),
        ...graph.nodes,
        ...taken.map((name) => copy(original(name), name)),
      ];
      const boundary = (infos: readonly ValueInfo[]) => infos.map(renamed);
      return {
        ...rest,
        model: {
          ...model,
          graph: { ...graph, nodes, inputs: boundary(graph.inputs), outputs: boundary(graph.outputs) },
        },
        plan: { ...plan, inputs: plan.inputs.map(renamed), outputs: plan.outputs.map(renamed) },
      };
    }),
    cuts: cuts.map((cut) => ({ ...cut, crossing: cut.crossing.map(renamed) })),
  };
}
