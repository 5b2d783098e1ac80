import { formatBytes, formatCount, formatMs, formatShare } from '../base/units.ts';
import { unreachable } from '../base/assert.ts';
import { headOfNodes } from '../onnx/exit-heads.ts';
import type { BlockView, GraphView, NodeView, ValueView } from '../onnx/graph-view.ts';
import type { ColourMode, NodeCosts } from './props.ts';

/**
 * What the canvas draws for a graph at a given state of folding: a list of boxes in topological order, each a
 * contiguous run of nodes. Consecutive blocks of the same structure fold into a stack, a stack unfolds to
 * blocks, a block to nodes. What only an early exit needs (its head) folds into that exit's tag.
 */
export interface Box {
  /** Stable while the graph stays: unfolding elsewhere does not change it. */
  readonly id: string;
  readonly kind: 'input' | 'stack' | 'block' | 'node' | 'head' | 'header';
  readonly title: string;
  readonly subtitle: string;
  /** Shape of what leaves the box, without the batch: `64×56×56`; empty if unknown. */
  readonly shape: string;
  /** Its nodes; for a header, the nodes of the boxes under it. The input box has firstNode 0, lastNode -1. */
  readonly firstNode: number;
  readonly lastNode: number;
  /** How many blocks a stack holds; 1 for others. */
  readonly count: number;
  /** What unfolding the box (or folding a header's boxes again) toggles; null if there is nothing inside. */
  readonly foldKey: string | null;
  /** False if it holds an operator that this lab does not know. */
  readonly known: boolean;
  /** Exit whose head this is; null for the rest. */
  readonly exit: number | null;
}

/** A part of a block on one side of an exit's head, or a part of a head. */
interface Part {
  readonly block: BlockView;
  readonly firstNode: number;
  readonly lastNode: number;
  readonly exit: number | null;
  readonly structure: string;
}

/**
 * The boxes of a graph.
 * @param unfolded keys of unfolded stacks, blocks and heads; others are folded
 */
export function boxesOf(view: GraphView, unfolded: ReadonlySet<string>): readonly Box[] {
  const boxes: Box[] = [inputBox(view)];
  for (const stack of stacksOf(view)) {
    const [first] = stack;
    if (!first) continue;
    const stackKey = stack.length > 1 ? `stack-${first.firstNode}` : null;
    if (stackKey && !unfolded.has(stackKey)) {
      boxes.push(stackBox(view, stack, stackKey));
      continue;
    }
    if (stackKey) boxes.push(headerBox(view, stack, stackKey));
    for (const part of stack) addPart(view, part, unfolded, boxes);
  }
  return boxes;
}

/** Every key that can be unfolded, for 'unfold all'. */
export function allFoldKeys(view: GraphView): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const stack of stacksOf(view)) {
    if (stack.length > 1) keys.add(`stack-${stack[0]?.firstNode}`);
    for (const part of stack) {
      const key = partKey(part);
      if (key) keys.add(key);
    }
  }
  return keys;
}

/** Keys that must be unfolded to see a node as a box of its own. */
export function foldKeysAround(view: GraphView, node: number): readonly string[] {
  for (const stack of stacksOf(view)) {
    const part = stack.find(({ firstNode, lastNode }) => firstNode <= node && node <= lastNode);
    if (!part) continue;
    const stackKey = stack.length > 1 ? [`stack-${stack[0]?.firstNode}`] : [];
    const key = partKey(part);
    return key ? [...stackKey, key] : stackKey;
  }
  return [];
}

/** What a box costs in the chosen unit. Most costs add up; what reaches or leaves a box does not. */
export function boxCost(view: GraphView, box: Box, mode: ColourMode, measured: NodeCosts = {}): number {
  const overNodes = (cost: (node: number) => number, join: (a: number, b: number) => number): number => {
    let joined = 0;
    for (let node = box.firstNode; node <= box.lastNode; node++) joined = join(joined, cost(node));
    return joined;
  };
  const add = (a: number, b: number): number => a + b;
  switch (mode) {
    case 'ms':
    case 'sensitivity':
      return overNodes((node) => measured[mode]?.[node] || 0, add);
    case 'reach':
    case 'error':
    case 'pruning':
      return overNodes((node) => measured[mode]?.[node] ?? 0, Math.max);
    case 'crossingBytes':
      return box.lastNode < box.firstNode ? 0 : (view.frontiers[box.lastNode]?.bytes ?? 0);
    case 'macs':
    case 'params':
    case 'activationBytes':
      return overNodes((node) => view.nodes[node]?.[mode] ?? 0, add);
    default:
      return unreachable(mode);
  }
}

/** A cost for people, without the unit's name where the legend has it: `118 M`, `2.4 MB`. */
export function formatCost(cost: number, mode: ColourMode): string {
  switch (mode) {
    case 'macs':
    case 'params':
      return formatCount(cost);
    case 'activationBytes':
    case 'crossingBytes':
      return formatBytes(cost);
    case 'ms':
      return formatMs(cost);
    case 'reach':
    case 'error':
      return formatShare(cost);
    case 'sensitivity':
    case 'pruning':
      // A power, told as an amplitude.
      return formatShare(Math.sqrt(cost));
    default:
      return unreachable(mode);
  }
}

/** A value's shape, at the size it is counted at, without a leading batch of one or a symbol: `64×56×56`. */
export function shapeText(value: ValueView | undefined): string {
  const shape = value?.counted ?? value?.shape;
  if (!shape) return '';
  const [batch, ...rest] = shape;
  const dims = rest.length > 0 && (batch === 1 || typeof batch !== 'number') ? rest : shape;
  return dims.map((dim) => dim ?? '?').join('×');
}

const stackCache = new WeakMap<GraphView, readonly (readonly Part[])[]>();

/** Blocks split at the borders of exit heads, then grouped into runs of the same structure. */
function stacksOf(view: GraphView): readonly (readonly Part[])[] {
  const cached = stackCache.get(view);
  if (cached) return cached;
  const heads = headOfNodes(view);
  const stacks: Part[][] = [];
  for (const block of view.blocks) {
    let firstNode = block.firstNode;
    while (firstNode <= block.lastNode) {
      const head = heads[firstNode] ?? -1;
      let lastNode = firstNode;
      while (lastNode < block.lastNode && heads[lastNode + 1] === head) lastNode++;
      const whole = firstNode === block.firstNode && lastNode === block.lastNode;
      addToStacks(stacks, {
        block,
        firstNode,
        lastNode,
        exit: head < 0 ? null : head,
        structure: whole ? block.structure : '',
      });
      firstNode = lastNode + 1;
    }
  }
  stackCache.set(view, stacks);
  return stacks;
}

function addToStacks(stacks: Part[][], part: Part): void {
  const stack = stacks.at(-1);
  const last = stack?.at(-1);
  if (stack && last && part.exit !== null && last.exit === part.exit) {
    // A head is one box, however many blocks it has.
    stack[stack.length - 1] = { ...last, lastNode: part.lastNode };
  } else if (
    stack &&
    last &&
    part.structure !== '' &&
    last.structure === part.structure &&
    last.exit === part.exit
  ) {
    stack.push(part);
  } else {
    stacks.push([part]);
  }
}

function partKey(part: Part): string | null {
  return part.lastNode > part.firstNode ? `block-${part.firstNode}` : null;
}

function addPart(view: GraphView, part: Part, unfolded: ReadonlySet<string>, boxes: Box[]): void {
  const key = partKey(part);
  if (part.exit !== null && !(key && unfolded.has(key))) {
    boxes.push(headBox(view, part, key));
  } else if (!key) {
    boxes.push(nodeBox(view, part.firstNode, part.exit));
  } else if (unfolded.has(key)) {
    boxes.push(headerBox(view, [part], key));
    for (let node = part.firstNode; node <= part.lastNode; node++) boxes.push(nodeBox(view, node, part.exit));
  } else {
    boxes.push({
      ...runOf(view, part.firstNode, part.lastNode),
      id: `block-${part.firstNode}`,
      kind: 'block',
      title: part.block.label,
      subtitle: opSummary(view, part),
      count: 1,
      foldKey: key,
      exit: null,
    });
  }
}

function inputBox(view: GraphView): Box {
  const [only] = view.inputs;
  const single = view.inputs.length === 1;
  return {
    id: 'input',
    kind: 'input',
    title: single ? 'input' : `${view.inputs.length} inputs`,
    subtitle: view.inputs.join(', '),
    shape: single && only !== undefined ? shapeText(view.values.get(only)) : '',
    firstNode: 0,
    lastNode: -1,
    count: 1,
    foldKey: null,
    known: true,
    exit: null,
  };
}

function stackBox(view: GraphView, stack: readonly Part[], key: string): Box {
  const first = stack[0] as Part;
  const last = stack.at(-1) as Part;
  return {
    ...runOf(view, first.firstNode, last.lastNode),
    id: key,
    kind: 'stack',
    title: stackTitle(stack),
    subtitle: `${stack.length} × (${opSummary(view, first)})`,
    count: stack.length,
    foldKey: key,
    exit: null,
  };
}

function headBox(view: GraphView, part: Part, key: string | null): Box {
  return {
    ...runOf(view, part.firstNode, part.lastNode),
    id: `head-${part.firstNode}`,
    kind: 'head',
    title: `Exit ${(part.exit ?? 0) + 1}`,
    subtitle: opSummary(view, part),
    count: 1,
    foldKey: key,
    exit: part.exit,
  };
}

function headerBox(view: GraphView, stack: readonly Part[], key: string): Box {
  const first = stack[0] as Part;
  const last = stack.at(-1) as Part;
  const label = first.exit === null ? first.block.label : `Exit ${first.exit + 1}`;
  return {
    ...runOf(view, first.firstNode, last.lastNode),
    id: `header-${key}`,
    kind: 'header',
    title: stack.length > 1 ? stackTitle(stack) : label,
    subtitle: stack.length > 1 ? `${stack.length} ×` : '',
    shape: '',
    count: stack.length,
    foldKey: key,
    exit: first.exit,
  };
}

function nodeBox(view: GraphView, index: number, exit: number | null): Box {
  const node = view.nodes[index] as NodeView;
  const domain = node.domain === '' || node.domain === 'ai.onnx' ? '' : ` · ${node.domain}`;
  return {
    ...runOf(view, index, index),
    id: `node-${index}`,
    kind: 'node',
    title: nodeTitle(node),
    subtitle: `${nameTail(node.name || (node.outputs[0] ?? ''))}${domain}`,
    count: 1,
    foldKey: null,
    exit,
  };
}

function runOf(
  view: GraphView,
  firstNode: number,
  lastNode: number,
): Pick<Box, 'firstNode' | 'lastNode' | 'shape' | 'known'> {
  const output = view.nodes[lastNode]?.outputs[0];
  let known = true;
  for (let i = firstNode; i <= lastNode; i++) known &&= view.nodes[i]?.known ?? true;
  return {
    firstNode,
    lastNode,
    known,
    shape: output === undefined ? '' : shapeText(view.values.get(output)),
  };
}

/** The end of a path-like name, which is what tells neighbours apart: `…/denselayer12/conv2`. */
function nameTail(name: string): string {
  const parts = name.split('/');
  return parts.length > 3 ? `…/${parts.slice(-3).join('/')}` : name;
}

/** `Conv 3×3/2`: operator, kernel and stride where it has them. */
function nodeTitle(node: NodeView): string {
  const numbers = (name: string): readonly string[] =>
    node.attributes.find((attribute) => attribute.name === name)?.text.match(/\d+/g) ?? [];
  const kernel = numbers('kernel_shape').join('×');
  const stride = numbers('strides').find((step) => step !== '1');
  return `${node.opType}${kernel ? ` ${kernel}` : ''}${stride ? `/${stride}` : ''}`;
}

/** `blocks 3–10` from `block 3` and `block 10`; otherwise the first label. */
function stackTitle(stack: readonly Part[]): string {
  const first = /^(.*?)\s*(\d+)$/.exec(stack[0]?.block.label ?? '');
  const last = /^(.*?)\s*(\d+)$/.exec(stack.at(-1)?.block.label ?? '');
  if (first && last && first[1] === last[1]) return `${first[1]}s ${first[2]}–${last[2]}`;
  return stack[0]?.block.label ?? '';
}

/** `3 Conv · 3 Relu · Add`, in order of first appearance. */
function opSummary(view: GraphView, part: Part): string {
  const counts = new Map<string, number>();
  for (let i = part.firstNode; i <= part.lastNode; i++) {
    const opType = view.nodes[i]?.opType ?? '';
    counts.set(opType, (counts.get(opType) ?? 0) + 1);
  }
  return [...counts].map(([opType, count]) => (count > 1 ? `${count} ${opType}` : opType)).join(' · ');
}
