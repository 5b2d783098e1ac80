/** Of one call of an objective: its value; the gradient is written into the given array. */
export type Objective = (at: Float64Array, gradient: Float64Array) => number;

/** Pairs of steps kept to guess the curvature from; fewer of very many parameters, since each takes their memory twice. */
const [MEMORY, SMALL_MEMORY] = [8, 4];
const MANY_PARAMETERS = 500_000;
/** Share of the promised decrease that a step must keep (Armijo). */
const SUFFICIENT_DECREASE = 1e-4;
const MAX_HALVINGS = 25;

/**
 * Minimises a smooth convex function by L-BFGS with backtracking. All memory is taken before the first step.
 * @param start changed in place; holds the last point when it returns
 * @param onStep called after each step with the value there; false ends the search
 * @returns the number of steps
 * @source Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 3.1
 */
export function minimise(
  start: Float64Array,
  objective: Objective,
  options: {
    readonly maxSteps: number;
    /** Ends when no entry of the gradient is larger. */
    readonly tolerance: number;
    readonly onStep: (step: number, value: number) => boolean;
  },
): number {
  const size = start.length;
  const make = (): Float64Array => new Float64Array(size);
  const pairs = size > MANY_PARAMETERS ? SMALL_MEMORY : MEMORY;
  const steps = Array.from({ length: pairs }, make);
  const changes = Array.from({ length: pairs }, make);
  const curvatures = new Float64Array(pairs);
  const shares = new Float64Array(pairs);
  const [direction, next, nextGradient] = [make(), make(), make()];
  const gradient = make();
  let value = objective(start, gradient);
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
    let length = kept === 0 ? Math.min(1, 1 / Math.sqrt(-slope)) : 1;
    let nextValue = Number.POSITIVE_INFINITY;
    let halvings = 0;
    for (; halvings <= MAX_HALVINGS; halvings++, length /= 2) {
      for (let i = 0; i < size; i++) next[i] = (start[i] as number) + length * (direction[i] as number);
      nextValue = objective(next, nextGradient);
      if (nextValue <= value + SUFFICIENT_DECREASE * length * slope) break;
    }
    if (halvings > MAX_HALVINGS) return step - 1;
    const slot = kept % pairs;
    const [moved, changed] = [steps[slot] as Float64Array, changes[slot] as Float64Array];
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
    if (!options.onStep(step, value)) return step;
  }
  return options.maxSteps;
}

/** Writes the quasi-Newton direction: the two-loop recursion over the kept pairs. */
function aim(
  direction: Float64Array,
  gradient: Float64Array,
  memory: {
    readonly steps: readonly Float64Array[];
    readonly changes: readonly Float64Array[];
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
    const share = dot(steps[slot] as Float64Array, direction) / (curvatures[slot] as number);
    shares[slot] = share;
    add(direction, -share, changes[slot] as Float64Array);
  }
  if (kept > 0) {
    const newest = (kept - 1) % pairs;
    const changed = changes[newest] as Float64Array;
    const scale = (curvatures[newest] as number) / dot(changed, changed);
    for (let i = 0; i < direction.length; i++) direction[i] = scale * (direction[i] as number);
  }
  for (let pair = oldest; pair < kept; pair++) {
    const slot = pair % pairs;
    const back = dot(changes[slot] as Float64Array, direction) / (curvatures[slot] as number);
    add(direction, (shares[slot] as number) - back, steps[slot] as Float64Array);
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function add(to: Float64Array, factor: number, what: Float64Array): void {
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) + factor * (what[i] as number);
}

function largest(values: Float64Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
