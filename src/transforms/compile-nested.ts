import { defined } from '../base/assert.ts';
import { type CompiledSegment, inputAndOutput, paramsIn } from './compile-segments.ts';
import type { PlannedDraft } from './draft.ts';
import { nestSegments } from './exits/nest-segments.ts';
import type { DecisionPlan } from './variant.ts';

/**
 * Exit segments as one file that decides by itself where to stop.
 * @throws InputError as `nestSegments`
 */
export function nestCompiled(
  { analysed }: PlannedDraft,
  segments: readonly CompiledSegment[],
  file: string,
): { readonly segment: CompiledSegment; readonly decision: DecisionPlan } {
  const { output } = inputAndOutput(analysed);
  const find = <T extends { readonly name: string }>(lists: readonly (readonly T[])[], name: string): T[] =>
    lists
      .flat()
      .filter((each) => each.name === name)
      .slice(0, 1);
  const infos = segments.map(({ model }) => model.graph.inputs);
  const { model, exitIndexOutput } = nestSegments(
    segments.map((segment) => ({ model: segment.model, exit: defined(segment.plan.exit, 'exit') })),
    output.name,
    analysed.inputs.flatMap((name) => find(infos, name)),
  );
  const plans = segments.map(({ plan }) => plan);
  const parameters = new Map(segments.flatMap((segment) => [...segment.parameters]));
  const exits: { index: number; macs: number }[] = [];
  let macs = 0;
  for (const plan of plans) {
    macs += plan.macs;
    exits.push({ index: defined(plan.exit, 'exit').index, macs });
  }
  return {
    decision: { output: exitIndexOutput, exits },
    segment: {
      model,
      quantization: null,
      parameters,
      plan: {
        file,
        inputs: analysed.inputs.flatMap((name) =>
          find(
            plans.map(({ inputs }) => inputs),
            name,
          ),
        ),
        outputs: [
          ...find(
            plans.map(({ outputs }) => outputs),
            output.name,
          ),
          { name: exitIndexOutput, dataType: 'int64', shape: [], bytes: 8 },
        ],
        tier: 'mobile',
        exit: null,
        macs,
        params: paramsIn(parameters.values()),
      },
    },
  };
}
