import { csvText } from '../csv-text.ts';
import type { ChangedMask } from './by-pixel-class.ts';
import type { ChangedImage, ClassOutcome, Share } from './by-class.ts';
import type { Compared } from './compared.ts';
import type { NodeErrors } from './node-errors.ts';
import { type ErrorSums, relativeError, signalToNoiseDb } from './signal-noise.ts';

type Cells = readonly (string | number | null)[];

/**
 * layers.csv: a row for each value and each changed weight of a node. `sqnr_db` is the signal to quantization noise
 * against the float model, `rounding_sqnr_db` against the same before it was rounded to 8 bits (where an activation
 * was folded into the range, what is cut off counts, too).
 */
export function layersCsv(nodes: readonly NodeErrors[]): string {
  const row = ({ node }: NodeErrors, kind: string, { name, errors, rounding }: Compared): Cells => [
    node.index,
    node.name,
    node.opType,
    kind,
    name,
    errors.count,
    ...errorCells(errors),
    rounding === null ? null : finite(signalToNoiseDb(rounding)),
  ];
  const rows = nodes.flatMap((each) => [
    ...(each.output ? [row(each, 'value', each.output)] : []),
    ...each.weights.map((weight) => row(each, 'weight', weight)),
  ]);
  const header = [
    'node_index',
    'node',
    'operator',
    'kind',
    'name',
    'numbers',
    'sqnr_db',
    'relative_error',
    'max_error',
    'rounding_sqnr_db',
  ];
  return csvText([header, ...rows]);
}

/** classes.csv: accuracy of each class, before (empty without another strategy) and after, with 95 % intervals. */
export function classesCsv(outcomes: readonly ClassOutcome[], classNames: readonly string[]): string {
  return outcomesCsv(outcomes, classNames, ['images', 'right', 'accuracy']);
}

/** class-iou.csv: intersection over union of each class, before (empty without another strategy) and after. */
export function classIouCsv(outcomes: readonly ClassOutcome[], classNames: readonly string[]): string {
  return outcomesCsv(outcomes, classNames, ['pixels', 'pixels_right', 'iou']);
}

/** @param names of columns: what is counted, how much of it is right, and the share */
function outcomesCsv(
  outcomes: readonly ClassOutcome[],
  classNames: readonly string[],
  [counted, right, share]: readonly [string, string, string],
): string {
  const cells = (found: Share | null): Cells =>
    found === null ? [null, null, null, null] : [found.right, found.value, found.low, found.high];
  const columns = (when: string) =>
    [right, share, `${share}_low`, `${share}_high`].map((name) => `${name}_${when}`);
  return csvText([
    ['class', 'class_name', counted, ...columns('before'), ...columns('after')],
    ...outcomes.map(({ label, images, before, after }) => [
      label,
      classNames[label] ?? null,
      images,
      ...cells(before),
      ...cells(after),
    ]),
  ]);
}

/** changed-masks.csv: the images of two strategies, and the share of their pixels that differ or are right. */
export function changedMasksCsv(
  changed: readonly ChangedMask[],
  nameOf: (image: number) => string | null,
): string {
  return csvText([
    ['image', 'file', 'changed', 'right_before', 'right_after'],
    ...changed.map(({ image, changedShare, rightBefore, rightAfter }) => [
      image,
      nameOf(image),
      changedShare,
      rightBefore,
      rightAfter,
    ]),
  ]);
}

/** changed-images.csv: the images that changed class; classes are counted as labels are, and exits, from 0. */
export function changedImagesCsv(
  changed: readonly ChangedImage[],
  classNames: readonly string[],
  nameOf: (image: number) => string | null,
): string {
  const named = (label: number | null): string | null =>
    label === null ? null : (classNames[label] ?? null);
  return csvText([
    [
      'image',
      'file',
      'label',
      'label_name',
      'before',
      'before_name',
      'after',
      'after_name',
      'kind',
      'confidence_before',
      'confidence_after',
      'exit_before',
      'exit_after',
    ],
    ...changed.map(({ image, label, before, after, kind, ...how }) => [
      image,
      nameOf(image),
      label,
      named(label),
      before,
      named(before),
      after,
      named(after),
      kind,
      finite(how.confidenceBefore),
      finite(how.confidenceAfter),
      how.exitBefore,
      how.exitAfter,
    ]),
  ]);
}

function errorCells(errors: ErrorSums): Cells {
  return [finite(signalToNoiseDb(errors)), finite(relativeError(errors)), finite(errors.largest)];
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : null;
}
