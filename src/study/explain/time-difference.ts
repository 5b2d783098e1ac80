import { formatMs } from '../../base/units.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { originsOf, type RuntimeNodeTime } from '../profile/attribute-times.ts';
import { summarise } from '../statistics/summary.ts';
import type { Sample } from '../trial.ts';
import { kindOfOperator, providerName } from './operator-kinds.ts';

/** What the runtime's nodes of a variant take, and what a whole inference took then. All times in milliseconds. */
export interface VariantTimes {
  /** In the order in which they run, named after the nodes of the model that they stand for. */
  readonly nodes: readonly RuntimeNodeTime[];
  /** With what no node takes. */
  readonly inferenceMs: number;
}

/** A variant with the latency that its trial measured, of which the nodes' times are to be parts. */
export interface ExplainedVariant extends VariantTimes {
  readonly name: string;
  readonly latencyMs: number;
}

/** Milliseconds of an inference that a part takes in either variant. */
export interface PartTimes {
  readonly part: string;
  readonly beforeMs: number;
  readonly afterMs: number;
}

export interface OperatorTimes extends PartTimes {
  readonly provider: string;
  /** What the runtime ran for it, where that is called otherwise: `QLinearConv` for Conv. */
  readonly kernelsBefore: readonly string[];
  readonly kernelsAfter: readonly string[];
}

/** Where two variants spend their time. The operators' times, or the blocks', and `outside` add up to `total`. */
export interface TimeDifference {
  readonly sentences: readonly string[];
  /** The greatest difference first. */
  readonly operators: readonly OperatorTimes[];
  /** In order of the model; only those that take time. */
  readonly blocks: readonly PartTimes[];
  /** What no node takes: handing tensors in and out, the runtime between nodes, deciding at exits. */
  readonly outside: PartTimes;
  readonly total: PartTimes;
}

/** Parts whose times differ by less than this share of the slower variant are not worth a sentence. */
const NOTABLE_SHARE = 0.03;
const MOST_SENTENCES = 5;

/**
 * Sets what the nodes of two variants take beside each other, so that it adds up to the latencies that their trials
 * measured: a device is not as fast at every hour, so profiled times count as shares of the inferences beside them.
 * @param view of the model that both were made of; null: they have none in common, or it is not open, and no block is told
 */
export function timeDifference(
  view: GraphView | null,
  before: ExplainedVariant,
  after: ExplainedVariant,
): TimeDifference {
  const [old, now] = [partsOf(view, before), partsOf(view, after)];
  const operators = joined(old.operators, now.operators)
    .map(({ first, second }): OperatorTimes => {
      const { part, provider } = (first ?? second) as OperatorPart;
      return {
        part,
        provider,
        beforeMs: first?.ms ?? 0,
        afterMs: second?.ms ?? 0,
        kernelsBefore: [...(first?.kernels ?? [])],
        kernelsAfter: [...(second?.kernels ?? [])],
      };
    })
    .toSorted((a, b) => Math.abs(differenceMs(b)) - Math.abs(differenceMs(a)));
  const blocks = (view?.blocks ?? []).flatMap(({ id, label }): PartTimes[] => {
    const times = { part: label, beforeMs: old.blocks.get(id) ?? 0, afterMs: now.blocks.get(id) ?? 0 };
    return times.beforeMs + times.afterMs > 0 ? [times] : [];
  });
  const outside = { part: 'outside nodes', beforeMs: old.outsideMs, afterMs: now.outsideMs };
  const total = { part: 'all', beforeMs: before.latencyMs, afterMs: after.latencyMs };
  const sentences = sentencesOf({ before, after, operators, outside, total });
  return { sentences, operators, blocks, outside, total };
}

/**
 * What an inference computes, as nodes are told: the median; where images leave at several exits, the mean of the
 * exits' medians by how often each is taken. Single disturbances count for nothing.
 * @returns NaN of no samples
 */
export function typicalComputeMs(samples: readonly Pick<Sample, 'computeMs' | 'exitIndex'>[]): number {
  const byExit = new Map<number | null, number[]>();
  for (const { computeMs, exitIndex } of samples)
    byExit
      .set(exitIndex, byExit.get(exitIndex) ?? [])
      .get(exitIndex)
      ?.push(computeMs);
  const weighted = [...byExit.values()].map((timesMs) => timesMs.length * (summarise(timesMs)?.median ?? 0));
  return weighted.reduce((sum, ms) => sum + ms, 0) / samples.length;
}

/** How much longer a part takes in the second variant. */
export function differenceMs({ beforeMs, afterMs }: PartTimes): number {
  return afterMs - beforeMs;
}

interface OperatorPart {
  readonly part: string;
  readonly provider: string;
  readonly kernels: Set<string>;
  ms: number;
}

/** Control flow takes what the nodes inside it take, which are told by themselves. */
const CONTROL_FLOW: ReadonlySet<string> = new Set(['If', 'Loop', 'Scan']);

function partsOf(view: GraphView | null, { nodes, inferenceMs, latencyMs }: ExplainedVariant) {
  const times = nodes.filter(({ opType }) => !CONTROL_FLOW.has(opType));
  const inNodesMs = times.reduce((sum, { ms }) => sum + ms, 0);
  // Noting times slows nodes down a little; they cannot take more than the inference.
  const scale = inNodesMs > 0 ? latencyMs / Math.max(inferenceMs, inNodesMs) : 0;
  const operators = new Map<string, OperatorPart>();
  const blocks = new Map<number, number>();
  const blockOfNode = view?.nodes.map(
    ({ index }) => view.blocks.find(({ firstNode, lastNode }) => firstNode <= index && index <= lastNode)?.id,
  );
  const origins = view && originsOf(view, times);
  times.forEach(({ opType, provider: providedBy = '', ms }, at) => {
    const [part, provider] = [kindOfOperator(opType), providerName(providedBy)];
    const key = `${part} ${provider}`;
    const operator = operators.get(key) ?? { part, provider, kernels: new Set<string>(), ms: 0 };
    operators.set(key, operator);
    operator.ms += scale * ms;
    if (opType !== part) operator.kernels.add(opType);
    const block = blockOfNode?.[origins?.[at]?.node.index ?? 0];
    if (block !== undefined) blocks.set(block, (blocks.get(block) ?? 0) + scale * ms);
  });
  return { operators, blocks, outsideMs: Math.max(0, latencyMs - scale * inNodesMs) };
}

function joined<T>(first: ReadonlyMap<string, T>, second: ReadonlyMap<string, T>) {
  const keys = new Set([...first.keys(), ...second.keys()]);
  return [...keys].map((key) => ({ first: first.get(key), second: second.get(key) }));
}

function sentencesOf({
  before,
  after,
  operators,
  outside,
  total,
}: Pick<TimeDifference, 'operators' | 'outside' | 'total'> & {
  readonly before: ExplainedVariant;
  readonly after: ExplainedVariant;
}): readonly string[] {
  const notableMs = NOTABLE_SHARE * Math.max(total.beforeMs, total.afterMs);
  const isNotable = (times: PartTimes): boolean => Math.abs(differenceMs(times)) >= notableMs;
  const isOfSeveral = new Set(operators.map(({ provider }) => provider)).size > 1;
  const shared = Math.abs(differenceMs(total)) < notableMs ? 'as long as' : lessOrMore(total);
  const summary = `${after.name} takes ${formatMs(total.afterMs)} for an inference, ${shared}${shared === 'as long as' ? '' : ' than'} ${before.name} with ${formatMs(total.beforeMs)}.`;
  const notable = operators.filter(isNotable);
  const told = notable.slice(0, MOST_SENTENCES).map((times) => operatorSentence(times, isOfSeveral));
  const rest = isNotable(outside) ? [`Outside nodes it takes ${lessOrMore(outside)}.`] : [];
  const none =
    notable.length === 0 ? ['No kind of operator differs by 3 % of it: what differs is spread.'] : [];
  return [summary, ...told, ...none, ...rest];
}

function operatorSentence(times: OperatorTimes, isOfSeveral: boolean): string {
  const { part, provider, beforeMs, afterMs, kernelsBefore, kernelsAfter } = times;
  const what = isOfSeveral && provider !== '' ? `${part} on ${provider}` : part;
  if (beforeMs === 0) return `${what} adds ${formatMs(afterMs)}.`;
  if (afterMs === 0) return `${what} is gone, ${formatMs(beforeMs)} less.`;
  const kernels = kernelsAfter.join(', ');
  const now = kernels !== '' && kernels !== kernelsBefore.join(', ') ? `, now as ${kernels}` : '';
  return `${what} takes ${lessOrMore(times)}: ${formatMs(afterMs)} instead of ${formatMs(beforeMs)}${now}.`;
}

function lessOrMore(times: PartTimes): string {
  const ms = differenceMs(times);
  return `${formatMs(Math.abs(ms))} ${ms < 0 ? 'less' : 'more'}`;
}
