import { InputError } from '../../base/result.ts';
import type { ValueName } from '../../onnx/model.ts';
import type { AnalysedModel } from '../analyse-model.ts';
import type { ExitStop } from '../plan-segments.ts';
import type { ExistingExitOperator } from '../recipe.ts';

/**
 * Where inference may stop, in order of work, the final exit last.
 * @throws InputError `no-early-exits`, `no-such-exit`, `threshold-count`, `exits-differ`, `exit-not-class-scores`
 */
export function existingStops(analysed: AnalysedModel, operator: ExistingExitOperator): readonly ExitStop[] {
  const { exits } = analysed;
  const last = exits.length - 1;
  if (last < 1) {
    throw new InputError({
      code: 'no-early-exits',
      message: `early-exit: found a model with ${exits.length === 1 ? 'a single output' : 'no outputs'}, wanted one with several`,
      hint: 'Early exit uses outputs that the model already has. Train exits of your own on the device, or use a model with several outputs, such as the bundled one.',
    });
  }
  const stopAt = (index: number, threshold: number): ExitStop => {
    const exit = exits[index];
    if (exit !== undefined) {
      const { confidence } = operator;
      return {
        exitIndex: exit.index,
        output: exit.output,
        threshold,
        ...(confidence !== undefined && { confidence }),
      };
    }
    const names = exits.map((each) => `${each.index} "${each.output}"`).join(', ');
    throw new InputError({
      code: 'no-such-exit',
      message: `early-exit: found exit ${index}, wanted one of 0 to ${last}`,
      where: `exit ${index}`,
      hint: `The exits are ${names}.`,
    });
  };
  if (operator.exit !== undefined) return [stopAt(operator.exit, 0)];

  const wanted = new Set(operator.exits ?? exits.keys());
  wanted.add(last);
  const indices = [...wanted].sort((a, b) => a - b);
  const early = indices.length - 1;
  const thresholds = typeof operator.threshold === 'number' ? null : (operator.threshold ?? []);
  if (early === 0) {
    throw new InputError({
      code: 'no-early-exits',
      message: 'early-exit: "exits" names the final exit only, wanted at least one before it',
      hint: `To always stop at the end leave the operator out; the early exits are 0 to ${last - 1}.`,
    });
  }
  if (thresholds !== null && thresholds.length !== early) {
    throw new InputError({
      code: 'threshold-count',
      message: `early-exit: found ${thresholds.length} thresholds, wanted ${early}: one for each of the exits ${indices.slice(0, -1).join(', ')} (the final one always stops)`,
      hint: 'Give one number to use it for all exits.',
    });
  }
  for (const index of indices) checkClassScores(analysed, exits[index]?.output);
  checkSameClasses(
    analysed,
    indices.flatMap((index) => exits[index]?.output ?? []),
  );
  return indices.map((exit, position) =>
    stopAt(exit, position === early ? 0 : (thresholds?.[position] ?? (operator.threshold as number))),
  );
}

/** An image must be answered in the same classes wherever it leaves. */
function checkSameClasses({ counted }: AnalysedModel, outputs: readonly ValueName[]): void {
  const known = outputs.flatMap((output) => {
    const shape = counted.get(output)?.shape ?? null;
    const count = shape?.slice(shape.length > 1 ? 1 : 0).find((dim) => dim !== 1) ?? (shape ? 1 : null);
    return typeof count === 'number' ? [{ output, count }] : [];
  });
  const final = known.at(-1);
  const other = known.find(({ count }) => count !== final?.count);
  if (final === undefined || other === undefined) return;
  throw new InputError({
    code: 'exits-differ',
    message: `early-exit: found ${other.count} classes at the exit "${other.output}" and ${final.count} at "${final.output}", wanted the same at all exits`,
    where: other.output,
    hint: 'Choose exits of the same classes by "exits", or stop always at one by "exit".',
  });
}

/** Confidence is of class probabilities, so an output must hold one score for each class. */
function checkClassScores({ counted }: AnalysedModel, output: ValueName | undefined): void {
  const shape = output === undefined ? null : counted.get(output)?.shape;
  const wide = (shape ?? []).slice(1).filter((dim) => dim !== 1);
  if (wide.length < 2) return;
  throw new InputError({
    code: 'exit-not-class-scores',
    message: `early-exit: found shape [${(shape ?? []).map((dim) => dim ?? '?').join(', ')}] at the exit "${output}", wanted one score for each class`,
    where: String(output),
    hint: 'Thresholds need classifiers; a fixed "exit" works with any output.',
  });
}
