import { formatMs } from '../base/units.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { keptNodes } from '../transforms/kept-nodes.ts';

/** Two lines for the exit where inference always stops: `stop at exit 1`, `10 % of MACs`. */
export function stopText(view: GraphView, exit: number): readonly [string, string] {
  return [`stop at exit ${exit + 1}`, macShareText(view, view.exits[exit]?.macs ?? 0)];
}

/** `10 % of MACs`. */
export function macShareText({ totals }: GraphView, macs: number): string {
  return `${Math.round((100 * macs) / Math.max(1, totals.macs))} % of MACs`;
}

/** A time that was predicted: `12.1 ms`, `≈ 12.1 ms` if it is a guess. */
export function expectedText(ms: number, isGuess: boolean): string {
  return `${isGuess ? '≈ ' : ''}${formatMs(ms)}`;
}

/**
 * What is expected until an exit answers, on this device: ` · 12.1 ms`; empty if nothing is.
 * @param isNeeded whether a node runs before it does
 */
export function untilText(
  nodeMs: ArrayLike<number> | undefined,
  isNeeded: (node: number) => boolean,
  isGuess: boolean,
): string {
  if (nodeMs === undefined) return '';
  let ms = 0;
  for (let node = 0; node < nodeMs.length; node++) if (isNeeded(node)) ms += nodeMs[node] ?? 0;
  return ` · ${expectedText(ms, isGuess)} here`;
}

/** The nodes that an exit needs. */
export function neededBy(view: GraphView, exit: number): (node: number) => boolean {
  const kept = keptNodes(view, { exit: { kind: 'fixed', exit }, skips: [] });
  return (node) => kept[node] === 1;
}
