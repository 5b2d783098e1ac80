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

const GPU_PROVIDER = 'WebGpuExecutionProvider';

/**
 * Reads ONNX Runtime's profile: a JSON list of trace events, printed in lines. On the CPU a node's time is that of
 * its kernel. On WebGPU a kernel only gives orders, so its nodes have the times that the GPU's own clock tells of
 * their programs (each program is listed by itself) or, where it tells nothing, none: see `areTimesMissing`.
 * @param lines as printed; what is no part of the list is skipped, and events that are cut off are left out
 * @returns nodes in order of their first run
 * @source onnxruntime/core/common/profiler.cc, onnxruntime/core/providers/webgpu/webgpu_context.cc
 */
export function parseRuntimeProfile(lines: readonly string[]): readonly NodeTimes[] {
  const kernels = new Map<string, NodeTimes & { timesMs: number[] }>();
  const programs = new Map<string, Map<string, number[]>>();
  for (const line of lines.flatMap((text) => text.split('\n'))) {
    const event = readEvent(line);
    if (event?.kind === 'kernel') {
      const { name, opType, provider } = event;
      const kernel = kernels.get(name) ?? { name, opType, provider, timesMs: [] };
      kernels.set(name, kernel);
      kernel.timesMs.push(event.durationMs);
    } else if (event?.kind === 'program') {
      const ofNode = programs.get(event.name) ?? new Map<string, number[]>();
      programs.set(event.name, ofNode);
      const times = ofNode.get(event.program) ?? [];
      ofNode.set(event.program, times);
      times.push(event.durationMs);
    }
  }
  return [...kernels.values()].flatMap((kernel): NodeTimes[] => {
    if (kernel.provider !== GPU_PROVIDER) return [kernel];
    if (programs.size === 0) return [{ ...kernel, timesMs: [] }];
    return [...(programs.get(kernel.name)?.values() ?? [])].map((timesMs) => ({ ...kernel, timesMs }));
  });
}

/**
 * How long the runtime executed the graph in each run, in order: the nodes and what it needs between them, without
 * taking in inputs and handing out outputs.
 */
export function executionTimesMs(lines: readonly string[]): readonly number[] {
  return lines
    .flatMap((text) => text.split('\n'))
    .filter((line) => line.includes('"name" :"SequentialExecutor::Execute"'))
    .flatMap((line) => {
      const microseconds = /"dur" :(\d+)/.exec(line)?.[1];
      return microseconds === undefined ? [] : [Number(microseconds) / 1000];
    });
}

/** Whether nodes ran on a GPU whose clock the browser does not give. */
export function areTimesMissing(nodes: readonly NodeTimes[]): boolean {
  return nodes.some(({ timesMs }) => timesMs.length === 0);
}

type ProfileEvent =
  | {
      readonly kind: 'kernel';
      readonly name: string;
      readonly opType: string;
      readonly provider: string;
      readonly durationMs: number;
    }
  | {
      readonly kind: 'program';
      readonly name: string;
      readonly program: string;
      readonly durationMs: number;
    };

function readEvent(line: string): ProfileEvent | null {
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
  if (typeof name !== 'string' || typeof dur !== 'number') return null;
  const durationMs = Math.max(0, dur) / 1000;
  if (cat === 'Api') {
    // NODE&OPERATOR&PROGRAM, of which only the node's name is anybody's choice.
    const [, node, program] = /^(.*)&([^&]*&[^&]*)$/s.exec(name) ?? [];
    return node === undefined || program === undefined
      ? null
      : { kind: 'program', name: node, program, durationMs };
  }
  if (cat !== 'Node' || !name.endsWith(KERNEL_SUFFIX)) return null;
  const { op_name: opType, provider } = (args ?? {}) as Record<string, unknown>;
  return {
    kind: 'kernel',
    name: name.slice(0, -KERNEL_SUFFIX.length),
    opType: typeof opType === 'string' ? opType : '',
    provider: typeof provider === 'string' ? provider : '',
    durationMs,
  };
}
