import {
  DEFAULT_PRECISION,
  type MixedQuantizeOperator,
  mixedLabel,
  normaliseRules,
  parseRules,
  PRECISIONS,
  type Precision,
} from './mixed-operator.ts';
import {
  describe,
  oneOf,
  optional,
  parseNodePatterns,
  parseWhole,
  refuse,
  refuseUnknownFields,
  sortedNames,
} from '../parse-fields.ts';

/** How a model's arithmetic or weights are made smaller: one of a recipe's operators. */
export type QuantizeOperator =
  | DynamicQuantizeOperator
  | StaticQuantizeOperator
  | MixedQuantizeOperator
  | WeightOnlyQuantizeOperator
  | Float16QuantizeOperator;

/** Weights in 8 bits ahead, activations quantized as they come. */
export interface DynamicQuantizeOperator {
  readonly op: 'quantize';
  readonly mode: 'dynamic';
  /** u8 is the fast form on wasm; s8 weights are up to nine times slower there. Default u8. */
  readonly weights?: 'u8' | 's8';
  /** Default false. */
  readonly perChannel?: boolean;
}

/** Weights and activations in 8 bits, by ranges that were calibrated on images. */
export interface StaticQuantizeOperator {
  readonly op: 'quantize';
  readonly mode: 'static';
  /**
   * Float operators between QuantizeLinear and DequantizeLinear, or integer operators; or with `auto` what is
   * fastest where it runs, types of activations and weights included (see `study/forms/`). Default `qdq`.
   */
  readonly format?: 'qdq' | 'qoperator' | 'auto';
  /** Default u8. */
  readonly activations?: 'u8' | 's8';
  /** Default s8. */
  readonly weights?: 's8' | 'u8';
  /** A scale for each output channel of weights. Default true. */
  readonly perChannel?: boolean;
  /**
   * Ranges of activations symmetric about 0. Left out: they are not, but `percentile` counts magnitudes, as
   * onnxruntime's tool does; `false` makes it look at both ends.
   */
  readonly symmetric?: boolean;
  /** 7-bit weights, for processors whose 8-bit products saturate. Default false. */
  readonly reduceRange?: boolean;
  /** Default `minmax`. */
  readonly calibration?: CalibrationMethod;
  /** For `percentile`: the share of values kept, in percent. Default 99.999. */
  readonly percentile?: number;
  /** For `entropy` and `percentile`: bins of the histogram. Default 128 and 2048, as onnxruntime's tool has it. */
  readonly bins?: number;
  /** Images to calibrate on. Default 128. */
  readonly samples?: number;
  /** Nodes that stay as they are: names, or patterns with `*`. */
  readonly exclude?: readonly string[];
}

/** The operators that need calibrated ranges. */
export type CalibratedOperator = StaticQuantizeOperator | MixedQuantizeOperator;

export type CalibrationMethod = 'minmax' | 'entropy' | 'percentile';

/** Weights stored in few bits and made floats again where they are used; the arithmetic stays float32. */
export interface WeightOnlyQuantizeOperator {
  readonly op: 'quantize';
  readonly mode: 'weight-only';
  /** With 4, convolutions with fewer than 32 weights to a channel (depthwise ones, say) take 8. */
  readonly bits: 8 | 4;
  /** Of 4-bit weights: numbers in a row that share a scale; a power of two from 16. Default 32. */
  readonly blockSize?: number;
  /** Default true. */
  readonly symmetric?: boolean;
  readonly exclude?: readonly string[];
}

/** Everything in half precision, with the model's inputs and outputs kept in float32. */
export interface Float16QuantizeOperator {
  readonly op: 'quantize';
  readonly mode: 'float16';
  /** Nodes that stay float32: names, or patterns with `*`. */
  readonly keepFloat32?: readonly string[];
}

/** What a static operator means where it says nothing. */
export const STATIC_DEFAULTS = {
  format: 'qdq',
  activations: 'u8',
  weights: 's8',
  perChannel: true,
  symmetric: false,
  reduceRange: false,
  calibration: 'minmax',
  samples: 128,
} as const satisfies Partial<StaticQuantizeOperator>;

/** What onnxruntime's percentile calibrator keeps where it is told nothing, in percent. */
export const DEFAULT_PERCENTILE = 99.999;
/** Bins of histograms that onnxruntime's calibrators take where they are told nothing. */
export const DEFAULT_BINS = { entropy: 128, percentile: 2048 } as const;

/** Numbers that share a scale among 4-bit weights. */
export const DEFAULT_BLOCK_SIZE = 32;
const LARGEST_BLOCK_SIZE = 256;
/** What calibration may be told; a percentile is above its bound. */
export const CALIBRATION_LIMITS = {
  samples: { least: 1, most: 100_000 },
  bins: { least: 128, most: 8192 },
  percentile: { above: 50, most: 100 },
} as const;

const MODES = ['dynamic', 'static', 'mixed', 'weight-only', 'float16'] as const;
const STATIC_FIELDS = [
  'format',
  'activations',
  'weights',
  'perChannel',
  'symmetric',
  'reduceRange',
  'calibration',
  'percentile',
  'bins',
  'samples',
] as const;

/** The fields that each mode may have besides `op` and `mode`. */
const FIELDS: Readonly<Record<QuantizeOperator['mode'], readonly string[]>> = {
  dynamic: ['weights', 'perChannel'],
  static: [...STATIC_FIELDS, 'exclude'],
  mixed: ['default', 'layers', ...STATIC_FIELDS],
  'weight-only': ['bits', 'blockSize', 'symmetric', 'exclude'],
  float16: ['keepFloat32'],
};

/** All fields of a quantize operator besides `op`; which of them a mode may have, `parseQuantize` tells. */
export const QUANTIZE_FIELDS: readonly string[] = ['mode', ...new Set(Object.values(FIELDS).flat())];

/** @throws InputError `recipe-invalid` */
export function parseQuantize(json: Record<string, unknown>, path: string): QuantizeOperator {
  const mode = oneOf(json['mode'], MODES, `${path}.mode`);
  refuseUnknownFields(json, ['op', 'mode', ...FIELDS[mode]], path);
  const op = 'quantize';
  const { choice, flag } = choicesOf(json, path);
  const names = <Name extends string>(name: Name) =>
    optional(name, json[name], (value) => parseNodePatterns(value, `${path}.${name}`));
  switch (mode) {
    case 'dynamic':
      return { op, mode, ...choice('weights', ['u8', 's8']), ...flag('perChannel') };
    case 'static':
      return {
        op,
        mode,
        ...parseForm(json, path, choice('format', ['qdq', 'qoperator', 'auto'])),
        ...names('exclude'),
      };
    case 'mixed':
      return {
        op,
        mode,
        ...optional('default', json['default'], (value) => oneOf(value, PRECISIONS, `${path}.default`)),
        layers: parseRules(json['layers'], `${path}.layers`),
        ...parseForm(json, path, choice('format', ['qdq', 'qoperator'])),
      };
    case 'weight-only': {
      const { bits, blockSize } = json;
      if (bits !== 8 && bits !== 4) return refuse(`${path}.bits`, describe(bits), '8 or 4');
      if (blockSize !== undefined && bits === 8)
        refuse(`${path}.blockSize`, 'it with 8 bits', 'it only with 4: 8-bit weights have a scale a channel');
      return {
        op,
        mode,
        bits,
        ...optional('blockSize', blockSize, (value) => parseBlockSize(value, `${path}.blockSize`)),
        ...flag('symmetric'),
        ...names('exclude'),
      };
    }
    case 'float16':
      return { op, mode, ...names('keepFloat32') };
  }
}

/** Fields that are one of a few things. */
function choicesOf(json: Record<string, unknown>, path: string) {
  const choice = <Name extends string, const T extends string | boolean>(name: Name, choices: readonly T[]) =>
    optional(name, json[name], (value) => oneOf(value, choices, `${path}.${name}`));
  const flag = <Name extends string>(name: Name) => choice(name, [true, false]);
  return { choice, flag };
}

function parseForm<F extends Pick<FormFields, 'format'>>(
  json: Record<string, unknown>,
  path: string,
  format: F,
): Omit<FormFields, 'format'> & F {
  if (json['activations'] === 's8' && json['weights'] === 'u8')
    refuse(`${path}.weights`, '"u8" with "activations": "s8"', '"s8": no kernel takes that pair');
  for (const type of ['activations', 'weights'] as const) {
    if (json['format'] === 'auto' && json[type] !== undefined)
      refuse(`${path}.${type}`, 'it with "format": "auto"', 'it only without: auto chooses it, too');
  }
  const { choice, flag } = choicesOf(json, path);
  return {
    ...format,
    ...choice('activations', ['u8', 's8']),
    ...choice('weights', ['s8', 'u8']),
    ...flag('perChannel'),
    ...flag('symmetric'),
    ...flag('reduceRange'),
    ...parseCalibration(json, path),
  };
}

function parseCalibration(
  json: Record<string, unknown>,
  path: string,
): Pick<StaticQuantizeOperator, 'calibration' | 'percentile' | 'bins' | 'samples'> {
  const { calibration, percentile, bins, samples } = json;
  const method = optional('calibration', calibration, (value) =>
    oneOf(value, ['minmax', 'entropy', 'percentile'], `${path}.calibration`),
  );
  if (percentile !== undefined && method.calibration !== 'percentile')
    refuse(`${path}.percentile`, 'it without "calibration": "percentile"', 'it only there');
  if (bins !== undefined && (method.calibration ?? 'minmax') === 'minmax')
    refuse(`${path}.bins`, 'it without a histogram', 'it only with "entropy" or "percentile"');
  const whole = (least: number, most: number, where: string) => (value: unknown) =>
    parseWhole(value, least, most, where);
  return {
    ...method,
    ...optional('percentile', percentile, (value) =>
      typeof value === 'number' &&
      value > CALIBRATION_LIMITS.percentile.above &&
      value <= CALIBRATION_LIMITS.percentile.most
        ? value
        : refuse(`${path}.percentile`, describe(value), 'a number above 50 and up to 100'),
    ),
    ...optional(
      'bins',
      bins,
      whole(CALIBRATION_LIMITS.bins.least, CALIBRATION_LIMITS.bins.most, `${path}.bins`),
    ),
    ...optional(
      'samples',
      samples,
      whole(CALIBRATION_LIMITS.samples.least, CALIBRATION_LIMITS.samples.most, `${path}.samples`),
    ),
  };
}

function parseBlockSize(value: unknown, path: string): number {
  const isPower = Number.isSafeInteger(value) && Number.isInteger(Math.log2(value as number));
  return isPower && (value as number) >= 16 && (value as number) <= LARGEST_BLOCK_SIZE
    ? (value as number)
    : refuse(path, describe(value), `a power of two from 16 to ${LARGEST_BLOCK_SIZE}`);
}

/** The same with defaults left out and lists sorted. */
export function normaliseQuantize(operator: QuantizeOperator): QuantizeOperator {
  switch (operator.mode) {
    case 'dynamic':
      return withoutDefaults(operator, { weights: 'u8', perChannel: false });
    case 'static': {
      const { exclude, ...form } = operator;
      return { ...withoutFormDefaults(form), ...sortedNames('exclude', exclude) };
    }
    case 'mixed': {
      const { default: usual = DEFAULT_PRECISION, layers, ...form } = operator;
      const rules = normaliseRules(layers);
      // The first rule says of its nodes what is said of all.
      const isIdle = rules[0]?.precision === usual;
      return {
        ...withoutFormDefaults(form),
        ...(usual !== DEFAULT_PRECISION && { default: usual }),
        layers: isIdle ? rules.slice(1) : rules,
      };
    }
    case 'weight-only': {
      const { exclude, ...rest } = operator;
      return {
        ...withoutDefaults(rest, { blockSize: DEFAULT_BLOCK_SIZE, symmetric: true }),
        ...sortedNames('exclude', exclude),
      };
    }
    case 'float16': {
      const { op, mode, keepFloat32 } = operator;
      return { op, mode, ...sortedNames('keepFloat32', keepFloat32) };
    }
  }
}

type FormFields = Omit<StaticQuantizeOperator, 'op' | 'mode' | 'exclude'>;

/** What a static form says of itself besides the defaults. */
function withoutFormDefaults<T extends FormFields & Pick<QuantizeOperator, 'mode'>>(operator: T): T {
  const { bins, percentile, ...rest } = operator;
  const method = operator.calibration ?? STATIC_DEFAULTS.calibration;
  const isUsualBins = method === 'minmax' || bins === undefined || bins === DEFAULT_BINS[method];
  const isUsualShare =
    method !== 'percentile' || percentile === undefined || percentile === DEFAULT_PERCENTILE;
  const { symmetric: _told, ...usual } = STATIC_DEFAULTS;
  return {
    ...withoutDefaults(rest, method === 'percentile' ? usual : STATIC_DEFAULTS),
    ...(isUsualShare ? {} : { percentile }),
    ...(isUsualBins ? {} : { bins }),
  } as T;
}

/** In the order in which the mode lists its fields, so that equal operators give equal text. */
function withoutDefaults<T extends Pick<QuantizeOperator, 'mode'>>(
  operator: T,
  defaults: Readonly<Record<string, unknown>>,
): T {
  const kept = ['op', 'mode', ...FIELDS[operator.mode]].flatMap((name) => {
    const value = operator[name as keyof T];
    return value === undefined || value === defaults[name] ? [] : [[name, value]];
  });
  return Object.fromEntries(kept) as T;
}

/** `int8`, `int8 static qoperator u8u8`, `int4 weights`, `float16`. */
export function quantizeLabel(operator: QuantizeOperator): string {
  switch (operator.mode) {
    case 'dynamic':
      return `int8${operator.weights === 's8' ? ' s8' : ''}${operator.perChannel === true ? ' per channel' : ''}`;
    case 'static':
      return [
        'int8 static',
        ...formWords(operator),
        ...((operator.exclude ?? []).length > 0 ? [`without ${operator.exclude?.length}`] : []),
      ].join(' ');
    case 'mixed':
      return [mixedLabel(operator), ...formWords(operator)].join(' ');
    case 'weight-only':
      return `int${operator.bits} weights`;
    case 'float16':
      return `float16${(operator.keepFloat32 ?? []).length > 0 ? ` without ${operator.keepFloat32?.length}` : ''}`;
  }
}

/** What of a form is not as usual. */
function formWords(operator: FormFields): readonly string[] {
  const { format, activations, weights, perChannel, symmetric, reduceRange, calibration, percentile } = {
    ...STATIC_DEFAULTS,
    percentile: undefined,
    ...operator,
  };
  const form = `${activations}${weights}`;
  const words = [
    format !== STATIC_DEFAULTS.format && format,
    form !== `${STATIC_DEFAULTS.activations}${STATIC_DEFAULTS.weights}` && form,
    !perChannel && 'per tensor',
    symmetric && 'symmetric',
    reduceRange && '7-bit',
    calibration !== 'minmax' && calibration,
    calibration === 'percentile' && percentile !== undefined && String(percentile),
  ];
  return words.filter((word) => typeof word === 'string');
}

/**
 * About how many bytes a weight takes afterwards, of those it took as float32; scales add little. Of a mix: a weight
 * that no rule means.
 */
export function weightShare(operator: QuantizeOperator): number {
  switch (operator.mode) {
    case 'dynamic':
    case 'static':
      return 1 / 4;
    case 'mixed':
      return PRECISION_SHARES[operator.default ?? DEFAULT_PRECISION];
    case 'weight-only':
      return operator.bits / 32;
    case 'float16':
      return 1 / 2;
  }
}

/** What a weight takes in each precision, of what it takes as float32. */
const PRECISION_SHARES: Readonly<Record<Precision, number>> = {
  float32: 1,
  float16: 1 / 2,
  int8: 1 / 4,
  'int8-weights': 1 / 4,
  'int4-weights': 1 / 8,
};
