import { describe, oneOf, refuse, refuseUnknownFields } from '../parse-fields.ts';

/**
 * Rewrites the model without changing what it computes (up to rounding): `fold-batch-norm` into the layer before,
 * `fold-constants`, `equalize` the ranges of neighbouring layers' channels, or `convert-opset` to a newer version.
 */
export interface PrepareOperator {
  readonly op: 'prepare';
  readonly kind: PrepareKind;
  /** For `convert-opset`: the version wanted. */
  readonly version?: number;
}

/** In the order in which they are offered. */
export const PREPARE_KINDS = ['fold-batch-norm', 'fold-constants', 'equalize', 'convert-opset'] as const;
export type PrepareKind = (typeof PREPARE_KINDS)[number];

/** The newest version that the lab converts to. */
const NEWEST_OPSET = 21;
const OLDEST_OPSET = 7;

/** @throws InputError `recipe-invalid` */
export function parsePrepare(json: Record<string, unknown>, path: string): PrepareOperator {
  const kind = oneOf(json['kind'], PREPARE_KINDS, `${path}.kind`);
  if (kind !== 'convert-opset') {
    refuseUnknownFields(json, ['op', 'kind'], path);
    return { op: 'prepare', kind };
  }
  const { version } = json;
  const isVersion = Number.isSafeInteger(version);
  if (!isVersion || (version as number) < OLDEST_OPSET || (version as number) > NEWEST_OPSET)
    refuse(`${path}.version`, describe(version), `an opset from ${OLDEST_OPSET} to ${NEWEST_OPSET}`);
  return { op: 'prepare', kind, version: version as number };
}

/** `fold batch-norm`, `opset 17`. */
export function prepareLabel({ kind, version }: PrepareOperator): string {
  switch (kind) {
    case 'fold-batch-norm':
      return 'fold batch-norm';
    case 'fold-constants':
      return 'fold constants';
    case 'equalize':
      return 'equalize layers';
    case 'convert-opset':
      return `opset ${version}`;
  }
}
