import type { Failure } from '../base/result.ts';
import { type CountedSize, USUAL_LENGTH, USUAL_SIDE } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { Dataset, ImageSize } from './dataset.ts';
import {
  classCount,
  imageMisfit,
  inputLayout,
  mapClassCount,
  SMALL_SIDE,
  type InputLayout,
} from './input-layout.ts';
import { preprocessingFromMetadata } from './preprocessing-metadata.ts';
import type { Preprocessing } from './preprocessing.ts';
import { takesRandomInputs } from './random-inputs.ts';

/** A preprocessing and why it may be the right one. */
export interface PreprocessingCandidate {
  readonly preprocessing: Preprocessing;
  readonly reasons: readonly string[];
}

/**
 * The most plausible preprocessing of a model's images.
 * @param size where the model leaves it open; else that of the images, or the usual one
 * @throws InputError `model-no-image-input`
 */
export function guessPreprocessing(
  view: GraphView,
  dataset: Dataset | null,
  imageSize: ImageSize | null,
  size: CountedSize = {},
): PreprocessingCandidate {
  return candidatePreprocessings(view, dataset, imageSize, size)[0] as PreprocessingCandidate;
}

/**
 * Every plausible preprocessing, the likeliest first; where the images are labelled, trying each on a few of
 * them tells which is right. Only one if the model says it itself.
 * @throws InputError `model-no-image-input`
 */
export function candidatePreprocessings(
  view: GraphView,
  dataset: Dataset | null,
  imageSize: ImageSize | null = dataset?.imageSize ?? null,
  size: CountedSize = {},
): readonly PreprocessingCandidate[] {
  const misfit = imageMisfit(view);
  if (misfit !== null && takesRandomInputs(view)) return [randomCandidate(view, misfit, size)];
  const { layout, reasons } = inputLayout(view, imageSize, size);
  const fit = guessFit(view, layout, imageSize);
  const offset = guessClassOffset(view, dataset);
  const ignored = guessIgnoredLabel(view, dataset);
  const base: Preprocessing = {
    ...layout,
    ...spread(RAW, layout.channels),
    ...fit.value,
    ...offset.value,
    ...ignored.value,
    channelOrder: 'RGB',
    invert: false,
  };
  const shared = [...reasons, ...fit.reasons, ...offset.reasons, ...ignored.reasons];
  const told = preprocessingFromMetadata(view, base);
  if (told !== null) return [{ preprocessing: told.preprocessing, reasons: [...shared, told.reason] }];
  return normalisations(view, layout).map(({ value, reason }) => ({
    preprocessing: { ...base, ...spread(value, layout.channels) },
    reasons: [...shared, reason],
  }));
}

/** Nothing is known of such inputs but their sizes. */
function randomCandidate(view: GraphView, { message }: Failure, size: CountedSize): PreprocessingCandidate {
  return {
    preprocessing: {
      inputName: view.inputs[0] ?? '',
      layout: 'NCHW',
      height: size.height ?? USUAL_SIDE,
      width: size.width ?? USUAL_SIDE,
      length: size.length ?? USUAL_LENGTH,
      channels: 1,
      channelOrder: 'RGB',
      fit: { kind: 'stretch' },
      scale: 1,
      mean: [0],
      std: [1],
      dataType: 'float32',
      invert: false,
      classOffset: 0,
      random: true,
    },
    reasons: [`${message}: it is measured with random inputs, for latency; accuracy means nothing then`],
  };
}

type Normalisation = Pick<Preprocessing, 'scale' | 'mean' | 'std'> &
  Partial<Pick<Preprocessing, 'channelOrder' | 'invert'>>;

interface Guess<T> {
  readonly value: T;
  readonly reason: string;
}

const RAW: Normalisation = { scale: 1, mean: [0], std: [1] };
const UNIT: Normalisation = { scale: 1 / 255, mean: [0], std: [1] };
/** -1..1: TensorFlow's Inception and MobileNet; also mean and deviation 0.5 in PyTorch. */
const SIGNED: Normalisation = { scale: 1 / 127.5, mean: [1], std: [1] };
const IMAGENET: Normalisation = { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const CIFAR: Normalisation = {
  scale: 1 / 255,
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.247, 0.2435, 0.2616],
};
const MNIST: Normalisation = { scale: 1 / 255, mean: [0.1307], std: [0.3081] };
/** Mean of ImageNet in blue, green, red, not divided. */
const CAFFE: Normalisation = { scale: 1, mean: [103.939, 116.779, 123.68], std: [1], channelOrder: 'BGR' };
const BGR_UNIT: Normalisation = { ...UNIT, channelOrder: 'BGR' };

/** Normalisations in order of plausibility, by the model's type, origin and size. */
function normalisations(view: GraphView, layout: InputLayout): readonly Guess<Normalisation>[] {
  if (layout.dataType === 'uint8') return [{ value: RAW, reason: 'a uint8 input takes pixels as they are' }];
  if (layout.dataType === 'int8') {
    return [{ value: { scale: 1, mean: [128], std: [1] }, reason: 'an int8 input takes pixels less 128' }];
  }
  const first = firstOperator(view, layout.inputName);
  const inside = SELF_NORMALISING.has(first)
    ? [{ value: RAW, reason: `the model begins with ${first}: it normalizes pixels 0..255 itself` }]
    : [];
  const likely =
    layout.channels === 1 ? greyNormalisations(view, layout) : colourNormalisations(view, layout);
  return distinct([...inside, ...likely]);
}

/** What a model does first if it carries its own normalisation. */
const SELF_NORMALISING = new Set(['Sub', 'Div', 'Mul', 'Add', 'Cast', 'BatchNormalization']);

function greyNormalisations(view: GraphView, layout: InputLayout): readonly Guess<Normalisation>[] {
  const digits = layout.height === 28 && layout.width === 28;
  const mnist = { value: MNIST, reason: 'PyTorch, 28 x 28 grey: mean and deviation of MNIST' };
  const unit = { value: UNIT, reason: 'grey pixels as 0..1' };
  const raw = { value: RAW, reason: 'grey pixels as 0..255' };
  const signed = { value: SIGNED, reason: 'grey pixels as -1..1' };
  const pytorch = originOf(view) === 'pytorch';
  const ordered =
    originOf(view) === 'cntk'
      ? [raw, unit, signed]
      : pytorch && digits
        ? [mnist, unit, signed, raw]
        : [unit, raw, signed];
  const inverted = ordered.slice(0, 2).map(({ value, reason }) => ({
    value: { ...value, invert: true },
    reason: `${reason}, inverted: dark strokes on light ground against light on dark`,
  }));
  return [...ordered, ...inverted];
}

function colourNormalisations(view: GraphView, layout: InputLayout): readonly Guess<Normalisation>[] {
  const small = Math.max(layout.height, layout.width) <= SMALL_SIDE;
  const imagenet = { value: IMAGENET, reason: 'mean and deviation of ImageNet, as torchvision and timm' };
  const unit = { value: UNIT, reason: 'pixels as 0..1' };
  const raw = { value: RAW, reason: 'pixels as 0..255' };
  const signed = { value: SIGNED, reason: 'pixels as -1..1' };
  const cifar = { value: CIFAR, reason: 'mean and deviation of CIFAR-10' };
  const caffe = { value: CAFFE, reason: 'BGR less the ImageNet mean, as Caffe' };
  const bgr = { value: BGR_UNIT, reason: 'BGR as 0..1, as OpenCV reads images' };
  switch (originOf(view)) {
    case 'tensorflow':
      if (classCount(view) === 1001) {
        return [
          { value: SIGNED, reason: 'TensorFlow, 1001 classes: -1..1, as its Inception and MobileNet models' },
          unit,
          raw,
        ];
      }
      return small
        ? [
            {
              value: RAW,
              reason: 'TensorFlow, small images: 0..255, as microcontroller models take camera bytes',
            },
            unit,
            signed,
          ]
        : [{ ...signed, reason: 'TensorFlow: -1..1, as most of its image models' }, raw, unit, caffe];
    case 'caffe':
      return [caffe, raw, bgr];
    case 'cntk':
      return [raw, { ...caffe, value: { ...RAW, channelOrder: 'BGR' }, reason: 'BGR 0..255, as CNTK' }, unit];
    case 'pytorch':
    case 'unknown':
      return small ? [imagenet, cifar, signed, unit, raw] : [imagenet, signed, unit, raw, bgr, caffe];
  }
}

/** The framework a model was trained in, by its exporter's name and the names that framework leaves behind. */
function originOf(view: GraphView): 'pytorch' | 'tensorflow' | 'caffe' | 'cntk' | 'unknown' {
  const producer = view.producer.toLowerCase();
  if (/cntk/.test(producer)) return 'cntk';
  if (/caffe/.test(producer)) return 'caffe';
  if (/tf2onnx|tfl2onnx|tflite|tensorflow|keras/.test(producer)) return 'tensorflow';
  if (/pytorch|torch/.test(producer)) return 'pytorch';
  const names = [...view.inputs, ...view.outputs].join(' ');
  if (/serving_default|StatefulPartitionedCall|Predictions\/|:0\b/.test(names)) return 'tensorflow';
  if (view.inputs[0] === 'data' && /prob|fc\d/.test(names)) return 'caffe';
  return 'unknown';
}

function firstOperator(view: GraphView, inputName: string): string {
  const nodes = view.nodes.filter((node) => node.inputs.some((input) => input === inputName));
  return nodes.length === 1 ? (nodes[0]?.opType ?? '') : '';
}

function guessFit(
  view: GraphView,
  { height, width }: InputLayout,
  imageSize: ImageSize | null,
): { value: Pick<Preprocessing, 'fit'>; reasons: readonly string[] } {
  const stretch = { fit: { kind: 'stretch' } } as const;
  const photo = imageSize === null || Math.min(imageSize.width, imageSize.height) > SMALL_SIDE;
  const output = view.values.get(view.exits.at(-1)?.output ?? view.outputs.at(-1) ?? ('' as never));
  const classifies = (output?.shape?.filter((dim) => dim !== 1).length ?? 1) <= 1;
  if (height !== width || height <= SMALL_SIDE || !photo || !classifies)
    return { value: stretch, reasons: [] };
  const shorterSide = Math.round((height * 256) / 224);
  return {
    value: { fit: { kind: 'crop', shorterSide } },
    reasons: [
      `photos are resized to ${shorterSide} on the shorter side and cropped to ${width} x ${height}, as usual for ImageNet`,
    ],
  };
}

function guessClassOffset(
  view: GraphView,
  dataset: Dataset | null,
): { value: Pick<Preprocessing, 'classOffset'>; reasons: readonly string[] } {
  const labels = (dataset?.items ?? []).map((item) => item.label ?? -1);
  const lastLabel = labels.reduce((a, b) => Math.max(a, b), -1);
  if (classCount(view) !== 1001 || lastLabel >= 1000) return { value: { classOffset: 0 }, reasons: [] };
  return {
    value: { classOffset: 1 },
    reasons: ['1001 classes, labels below 1000: class 0 is the background, so class = label + 1'],
  };
}

/** What lists of classes call that of pixels that have none. */
const NO_CLASS_NAME = /^(void|unlabell?ed|ignored?|no ?label|no ?data|other\/void|ignore_?label)$/i;

/** A class that is called so, 255 as most data sets have it, or the first number that the model has no class for. */
function guessIgnoredLabel(
  view: GraphView,
  dataset: Dataset | null,
): { value: Pick<Preprocessing, 'ignoredLabel'>; reasons: readonly string[] } {
  const found = dataset?.masks?.classes ?? [];
  const classes = mapClassCount(view);
  const named = found.find((each) => NO_CLASS_NAME.test(dataset?.classNames[each] ?? ''));
  const ignored =
    named ??
    (found.includes(255) ? 255 : found.find((each) => classes !== null && each >= classes)) ??
    farBeyond(found);
  if (ignored === undefined) return { value: {}, reasons: [] };
  const why =
    named !== undefined
      ? `class ${named} is called ${dataset?.classNames[named]}`
      : ignored === 255
        ? '255 in masks usually means no class'
        : classes !== null && ignored >= classes
          ? `the model has no class ${ignored}`
          : `${ignored} is far beyond the other classes in masks`;
  return { value: { ignoredLabel: ignored }, reasons: [`${why}: such pixels are not asked about`] };
}

/** A last number that no count of classes leads to. */
function farBeyond(found: readonly number[]): number | undefined {
  const [before, last] = found.slice(-2);
  return before !== undefined && last !== undefined && found.length > 2 && last > 10 * (before + 1)
    ? last
    : undefined;
}

/** One mean and deviation for each channel. */
function spread(value: Normalisation, channels: number): Normalisation {
  const fill = (list: readonly number[]) =>
    Array.from({ length: channels }, (_, i) => list[i] ?? (list[0] as number));
  return { ...value, mean: fill(value.mean), std: fill(value.std) };
}

function distinct(guesses: readonly Guess<Normalisation>[]): readonly Guess<Normalisation>[] {
  const seen = new Set<string>();
  return guesses.filter(({ value }) => {
    const key = JSON.stringify(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
