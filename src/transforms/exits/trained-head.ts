import { InputError } from '../../base/result.ts';
import type { LearningPoint, TargetSource } from './train-head.ts';

/**
 * A head trained for one value of one model: what a `trained` exit needs besides its recipe. Kept next to the
 * recipe, which stays small, so that running it again does not train again.
 */
export interface TrainedHead {
  /** The value whose pooled features it classifies. */
  readonly value: string;
  /** The recipe's `seed`: of the division into training and validation images. */
  readonly seed: number;
  /** See `GraphView.modelId`; what it was trained on. */
  readonly modelId: string;
  readonly datasetId: string;
  /** The changed model whose features it learned from, see `backboneKey`; left out: the model as it is. */
  readonly backbone?: string;
  /** Length of the pooled features. */
  readonly width: number;
  readonly classCount: number;
  /** Row-major, [classCount, width]; the standardisation of features is part of it. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  readonly training: {
    readonly targetSource: TargetSource;
    readonly trainingImages: number;
    readonly validationImages: number;
    /** Share in [0, 1] on the validation images, which were not trained on but chose when to stop. */
    readonly validationAccuracy: number;
    readonly validationLoss: number;
    readonly curve: readonly LearningPoint[];
    readonly missingClasses: readonly number[];
    /** Images that could not be decoded or gave no finite features. */
    readonly leftOutImages?: number;
    /** What it took: its share of the pass over the images, and learning. Those of earlier versions have none. */
    readonly elapsedMs?: number;
  };
}

/** Heads by `headKey`. */
export type Heads = ReadonlyMap<string, TrainedHead>;

export const NO_HEADS: Heads = new Map();

/** The seed of a recipe that names none. */
export const DEFAULT_HEAD_SEED = 1;

/**
 * How a recipe's value and seed name a head among those of one model and dataset.
 * @param backbone see `backboneKey`
 */
export function headKey(value: string, seed: number = DEFAULT_HEAD_SEED, backbone = ''): string {
  return backbone === '' ? `${seed} ${value}` : `${seed} ${backbone} ${value}`;
}

/** The name of a head among those of its model and dataset. */
export function keyOfHead({ value, seed, backbone }: TrainedHead): string {
  return headKey(value, seed, backbone);
}

/** Heads under their keys. */
export function headsByKey(heads: Iterable<TrainedHead>): Heads {
  return new Map([...heads].map((head) => [keyOfHead(head), head]));
}

const FORMAT = 'paretoscope-heads';

/** `heads.json`: trained heads as a text that `parseHeads` reads. */
export function serialiseHeads(heads: Iterable<TrainedHead>): string {
  const plain = [...heads].map((head) => ({
    ...head,
    weights: Array.from(head.weights, shortest),
    bias: Array.from(head.bias, shortest),
  }));
  return `${JSON.stringify({ format: FORMAT, formatVersion: 1, heads: plain })}\n`;
}

/**
 * Reads `heads.json`.
 * @throws InputError `heads-invalid` saying where
 */
export function parseHeads(text: string): readonly TrainedHead[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    return refuse('heads', `found no JSON (${(thrown as Error).message})`);
  }
  const file = fieldsOf(json, 'heads');
  if (file['format'] !== FORMAT) refuse('heads.format', `wanted "${FORMAT}"`);
  if (!Array.isArray(file['heads'])) refuse('heads.heads', 'wanted a list');
  return file['heads'].map((head: unknown, index): TrainedHead => parseHead(head, `heads[${index}]`));
}

function parseHead(json: unknown, path: string): TrainedHead {
  const head = fieldsOf(json, path);
  const training = fieldsOf(head['training'], `${path}.training`);
  const text = (field: string): string =>
    typeof head[field] === 'string' ? head[field] : refuse(`${path}.${field}`, 'wanted text');
  const [width, classCount] = [count(head, 'width', path), count(head, 'classCount', path)];
  const { targetSource, curve = [], missingClasses = [] } = training;
  if (targetSource !== 'labels' && targetSource !== 'predictions')
    refuse(`${path}.training.targetSource`, 'wanted "labels" or "predictions"');
  if (!Array.isArray(curve) || !Array.isArray(missingClasses))
    refuse(`${path}.training`, 'wanted lists "curve" and "missingClasses"');
  return {
    value: text('value'),
    seed: count(head, 'seed', path),
    modelId: text('modelId'),
    datasetId: text('datasetId'),
    ...(head['backbone'] === undefined ? {} : { backbone: text('backbone') }),
    width,
    classCount,
    weights: floats(head['weights'], width * classCount, `${path}.weights`),
    bias: floats(head['bias'], classCount, `${path}.bias`),
    training: {
      targetSource,
      trainingImages: count(training, 'trainingImages', path),
      validationImages: count(training, 'validationImages', path),
      validationAccuracy: number(training, 'validationAccuracy', path),
      validationLoss: number(training, 'validationLoss', path),
      curve: curve.map((point: unknown, index): LearningPoint => {
        const where = `${path}.training.curve[${index}]`;
        const fields = fieldsOf(point, where);
        return {
          step: count(fields, 'step', where),
          trainingLoss: number(fields, 'trainingLoss', where),
          validationLoss: number(fields, 'validationLoss', where),
          validationAccuracy: number(fields, 'validationAccuracy', where),
        };
      }),
      missingClasses: missingClasses.map((each: unknown) => Number(each)),
      ...(training['leftOutImages'] === undefined
        ? {}
        : { leftOutImages: count(training, 'leftOutImages', `${path}.training`) }),
      ...(training['elapsedMs'] === undefined
        ? {}
        : { elapsedMs: number(training, 'elapsedMs', `${path}.training`) }),
    },
  };
}

/** The shortest decimal that is still this float32. */
function shortest(value: number): number {
  return Number(value.toPrecision(9));
}

function fieldsOf(json: unknown, path: string): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) refuse(path, 'wanted an object');
  return json as Record<string, unknown>;
}

function number(fields: Record<string, unknown>, field: string, path: string): number {
  const value = fields[field];
  return typeof value === 'number' && Number.isFinite(value)
    ? value
    : refuse(`${path}.${field}`, 'wanted a number');
}

function count(fields: Record<string, unknown>, field: string, path: string): number {
  const value = number(fields, field, path);
  return Number.isSafeInteger(value) && value >= 0 ? value : refuse(`${path}.${field}`, 'wanted a count');
}

function floats(json: unknown, length: number, path: string): Float32Array {
  const isList = Array.isArray(json) && json.every((each) => typeof each === 'number');
  if (!isList || json.length !== length) {
    const found = Array.isArray(json) ? `${json.length} entries` : typeof json;
    return refuse(path, `found ${found}, wanted ${length} numbers`);
  }
  return Float32Array.from(json as number[]);
}

function refuse(path: string, problem: string): never {
  throw new InputError({
    code: 'heads-invalid',
    message: `${path}: ${problem}`,
    where: path,
    hint: 'Heads are written by the lab: train the exits, then download heads.json.',
  });
}
