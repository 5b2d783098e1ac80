import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileSource } from '../../src/cli/node-file-source.ts';
import { openModelArgument } from '../../src/cli/open-model-argument.ts';
import type { ByteSource } from '../../src/onnx/byte-source.ts';
import type { Model } from '../../src/onnx/model.ts';
import { parseModel } from '../../src/onnx/parse.ts';
import { serializeModel } from '../../src/onnx/serialize.ts';
import { analyseModel } from '../../src/transforms/analyse-model.ts';
import { quantizeDynamic } from '../../src/transforms/quantize/dynamic.ts';
import { quantizeStatic, valuesToCalibrate } from '../../src/transforms/quantize/static/quantize-static.ts';
import type { StaticForm } from '../../src/transforms/quantize/static/static-form.ts';
import { toFloat16 } from '../../src/transforms/quantize/float16.ts';
import { quantizeWeightsOnly } from '../../src/transforms/quantize/weight-only.ts';
import { type Bench, type BenchRow, quantile } from './bench.ts';
import { fullSizeFile } from './full-size-file.ts';

const repetitions = 5;
const form: StaticForm = {
  format: 'qdq',
  activations: 'u8',
  weights: 's8',
  perChannel: true,
  symmetric: false,
  reduceRange: false,
  exclude: [],
};

/** Transforms are plain TypeScript, so this needs no page. Ranges are made up: calibration is not measured here. */
export const bench: Bench = async ({ projectRoot }) => {
  const path = fullSizeFile(projectRoot, 'resnet152');
  return [
    ...timing(path, 'static int8, QDQ per channel', quantized, 1500),
    ...timing(path, 'dynamic int8', dynamic, 1000),
    ...timing(path, 'float16', halved, 1000),
    ...timing(path, '8-bit weights for whole channels', weightsOnly(8, null), 1500),
    ...timing(path, '4-bit weights in blocks of 32', weightsOnly(4, 32), 1500),
    shrinking(projectRoot, 'static int8', quantized, 3.5),
    shrinking(projectRoot, 'dynamic int8', dynamic, 3.5),
    shrinking(projectRoot, 'float16', halved, 1.95),
  ];
};

const dynamic = (model: Model): Model => quantizeDynamic(model, { weights: 'u8', perChannel: false }).model;

const halved = (model: Model): Model => toFloat16(model).model;

const weightsOnly =
  (bits: 4 | 8, blockSize: number | null) =>
  (model: Model): Model =>
    quantizeWeightsOnly(model, { bits, blockSize, form: 'dequantize', symmetric: true, exclude: [] }).model;

function quantized(model: Model): Model {
  const ranges = valuesToCalibrate(model, form).map(
    (name) => [name as string, { low: -3, high: 3 }] as const,
  );
  return quantizeStatic(model, form, new Map(ranges)).model;
}

/** A file of 241 MB, opened, analysed, changed and written. */
function timing(path: string, form: string, change: (model: Model) => Model, targetMs: number): BenchRow[] {
  const times: number[] = [];
  let fileBytes = 0;
  let peakBytes = 0;
  for (let run = 0; run < repetitions; run++) {
    const file = fileSource(path);
    const baseBytes = process.memoryUsage().arrayBuffers;
    const look = (): void => {
      peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers - baseBytes);
    };
    const source: ByteSource = {
      size: file.size,
      read(offset, length) {
        look();
        return file.read(offset, length);
      },
    };
    fileBytes = file.size;
    const startedMs = performance.now();
    const { model } = analyseModel(parseModel(source, path));
    serializeModel(change(model)).write(look);
    times.push(performance.now() - startedMs);
    file.close();
  }
  const ms = quantile(times, 0.5);
  return [
    {
      name: `resnet152 (241 MB) to ${form}: open, change, write`,
      value: `${ms.toFixed(0)} ms`,
      target: `< ${targetMs} ms`,
      ok: ms < targetMs,
    },
    {
      name: 'the same: most memory in buffers, garbage included',
      value: `${(peakBytes / fileBytes).toFixed(2)} x the file`,
      target: '< 1.5 x',
      ok: peakBytes < 1.5 * fileBytes,
    },
  ];
}

/** Every model of the gallery with its weights as noise. */
function shrinking(
  projectRoot: string,
  form: string,
  change: (model: Model) => Model,
  target: number,
): BenchRow {
  const files = readdirSync(join(projectRoot, 'public/samples/zoo')).filter((file) => file.endsWith('.onnx'));
  const ratios = files.map((file) => {
    const { model } = analyseModel(openModelArgument(`zoo:${file.replace('.onnx', '')}`).model);
    return { file, ratio: serializeModel(model).bytes / serializeModel(change(model)).bytes };
  });
  const [least] = ratios.toSorted((a, b) => a.ratio - b.ratio);
  return {
    name: `${form} of ${files.length} models: the least that a file shrinks (${least?.file})`,
    value: `${least?.ratio.toFixed(2)} times smaller`,
    target: `> ${target} times`,
    ok: (least?.ratio ?? 0) > target,
  };
}
