/** How long one node of the runtime took: the node's name in the file, and its time in each run. */
export interface NodeTimes {
  readonly name: string;
  readonly opType: string;
  /** Which provider ran it, as the runtime calls it. */
  readonly provider: string;
  /** In order of the runs; several in a run for a node in a loop. */
  readonly timesMs: readonly number[];
}

/** What the runtime appends to a node's name for the time its kernel took. */
const KERNEL_SUFFIX = '_kernel_time';

/**
 * Reads ONNX Runtime's profile: a JSON list of trace events, printed in lines. Only kernel times are kept.
 * @param lines as printed; what is no part of the list is skipped, and events that are cut off are left out
 * @returns nodes in order of their first run
 * @source onnxruntime/core/common/profiler.cc
 */
export function parseRuntimeProfile(lines: readonly string[]): readonly NodeTimes[] {
  const nodes = new Map<string, { opType: string; provider: string; timesMs: number[] }>();
  for (const line of lines.flatMap((text) => text.split('\n'))) {
    const event = readEvent(line);
    if (event === null) continue;
    const { name, opType, provider, durationUs } = event;
    let node = nodes.get(name);
    if (node === undefined) nodes.set(name, (node = { opType, provider, timesMs: [] }));
    node.timesMs.push(durationUs / 1000);
  }
  return [...nodes].map(([name, node]) => ({ name, ...node }));
}

function readEvent(line: string) {
  const text = line
    .trim()
    .replace(/^\[/, '')
    .replace(/[,\]]+$/, '');
  if (!text.startsWith('{')) return null;
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    return null;
  }
  const { cat, name, dur, args } = event as Record<string, unknown>;
  if (cat !== 'Node' || typeof name !== 'string' || typeof dur !== 'number') return null;
  if (!name.endsWith(KERNEL_SUFFIX)) return null;
  const { op_name: opType, provider } = (args ?? {}) as Record<string, unknown>;
  return {
    name: name.slice(0, -KERNEL_SUFFIX.length),
    opType: typeof opType === 'string' ? opType : '',
    provider: typeof provider === 'string' ? provider : '',
    durationUs: Math.max(0, dur),
  };
}
