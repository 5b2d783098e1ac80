/** Of one call of an objective: its value; the gradient is written into the given array. */
export type Objective = (at: Float64Array, gradient: Float64Array) => Promise<number>;

/** Pairs of steps kept to guess the curvature from; fewer of very many parameters, since each takes their memory twice. */
const [MEMORY, SMALL_MEMORY] = [8, 4];
const MANY_PARAMETERS = 500_000;
/** Share of the promised decrease that a step must keep (Armijo). */
const SUFFICIENT_DECREASE = 1e-4;
const MAX_HALVINGS = 25;
/** A decrease below this share of the value drowns in the rounding of objectives in single precision. */
const LEAST_DECREASE = 1e-9;

/**
 * Minimises a smooth convex function by L-BFGS with backtracking. All memory is taken before the first step.
 * @param start changed in place; holds the last point when it returns
 * @param onStep called after each step with the value there; false ends the search
 * @returns the number of steps
 * @source Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 3.1
 */
export async function minimise(
  start: Float64Array,
  objective: Objective,
  options: {
    readonly maxSteps: number;
    /** Ends when no entry of the gradient is larger. */
    readonly tolerance: number;
    readonly onStep: (step: number, value: number) => boolean | Promise<boolean>;
  },
): Promise<number> {
  const size = start.length;
  const make = (): Float64Array => new Float64Array(size);
  const pairs = size > MANY_PARAMETERS ? SMALL_MEMORY : MEMORY;
  // Guesses of the curvature need no more precision, and are most of the memory.
  const steps = Array.from({ length: pairs }, () => new Float32Array(size));
  const changes = Array.from({ length: pairs }, () => new Float32Array(size));
  const curvatures = new Float64Array(pairs);
  const shares = new Float64Array(pairs);
  const [direction, next, nextGradient] = [make(), make(), make()];
  const gradient = make();
  let value = await objective(start, gradient);
  let kept = 0;
  for (let step = 1; step <= options.maxSteps; step++) {
    if (largest(gradient) <= options.tolerance) return step - 1;
    aim(direction, gradient, { steps, changes, curvatures, shares }, kept);
    let slope = dot(direction, gradient);
    if (!(slope < 0)) {
      // Rounding has spoilt the memory: begin again downhill.
      kept = 0;
      for (let i = 0; i < size; i++) direction[i] = -(gradient[i] as number);
      slope = dot(direction, gradient);
    }
    if (-slope <= LEAST_DECREASE * Math.abs(value)) return step - 1;
    let length = kept === 0 ? Math.min(1, 1 / Math.sqrt(-slope)) : 1;
    let nextValue = Number.POSITIVE_INFINITY;
    let halvings = 0;
    for (; halvings <= MAX_HALVINGS; halvings++, length /= 2) {
      for (let i = 0; i < size; i++) next[i] = (start[i] as number) + length * (direction[i] as number);
      nextValue = await objective(next, nextGradient);
      if (nextValue <= value + SUFFICIENT_DECREASE * length * slope) break;
    }
    if (halvings > MAX_HALVINGS) return step - 1;
    const slot = kept % pairs;
    const [moved, changed] = [steps[slot] as Float32Array, changes[slot] as Float32Array];
    for (let i = 0; i < size; i++) {
      moved[i] = (next[i] as number) - (start[i] as number);
      changed[i] = (nextGradient[i] as number) - (gradient[i] as number);
    }
    const curvature = dot(moved, changed);
    if (curvature > 0) {
      curvatures[slot] = curvature;
      kept++;
    }
    start.set(next);
    gradient.set(nextGradient);
    value = nextValue;
    if (!(await options.onStep(step, value))) return step;
  }
  return options.maxSteps;
}

/** Writes the quasi-Newton direction: the two-loop recursion over the kept pairs. */
function aim(
  direction: Float64Array,
  gradient: Float64Array,
  memory: {
    readonly steps: readonly Float32Array[];
    readonly changes: readonly Float32Array[];
    readonly curvatures: Float64Array;
    readonly shares: Float64Array;
  },
  kept: number,
): void {
  const { steps, changes, curvatures, shares } = memory;
  const pairs = steps.length;
  for (let i = 0; i < direction.length; i++) direction[i] = -(gradient[i] as number);
  const oldest = Math.max(0, kept - pairs);
  for (let pair = kept - 1; pair >= oldest; pair--) {
    const slot = pair % pairs;
    const share = dot(steps[slot] as Float32Array, direction) / (curvatures[slot] as number);
    shares[slot] = share;
    add(direction, -share, changes[slot] as Float32Array);
  }
  if (kept > 0) {
    const newest = (kept - 1) % pairs;
    const changed = changes[newest] as Float32Array;
    const scale = (curvatures[newest] as number) / dot(changed, changed);
    for (let i = 0; i < direction.length; i++) direction[i] = scale * (direction[i] as number);
  }
  for (let pair = oldest; pair < kept; pair++) {
    const slot = pair % pairs;
    const back = dot(changes[slot] as Float32Array, direction) / (curvatures[slot] as number);
    add(direction, (shares[slot] as number) - back, steps[slot] as Float32Array);
  }
}

type Numbers = Float64Array | Float32Array;

function dot(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function add(to: Float64Array, factor: number, what: Numbers): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + factor * (what[i] as number);
}

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
