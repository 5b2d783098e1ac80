import { seededRandom } from '../../../../src/base/random.ts';
import { modelFingerprint } from '../../../../src/onnx/model-fingerprint.ts';
import type { Model } from '../../../../src/onnx/model.ts';
import { analyseModel } from '../../../../src/transforms/analyse-model.ts';
import { classCountOf } from '../../../../src/transforms/exits/attach-head.ts';
import { requirePooling } from '../../../../src/transforms/exits/pooling.ts';
import type { TrainedHead } from '../../../../src/transforms/exits/trained-head.ts';
import { layoutOf } from '../../../../src/transforms/exits/value-layout.ts';
import { valueName } from '../../../../src/onnx/model.ts';

/** A head with random weights: right in shape, wrong in everything else. */
export function randomHead(model: Model, value: string, seed = 1): TrainedHead {
  const analysed = analyseModel(model);
  const shape = analysed.shapes.get(valueName(value))?.shape ?? null;
  const { width } = requirePooling(value, shape, layoutOf(analysed, valueName(value)));
  const classCount = classCountOf(analysed);
  const random = seededRandom(seed);
  return {
    value,
    seed,
    modelId: modelFingerprint(model),
    datasetId: 'none',
    width,
    classCount,
    weights: Float32Array.from({ length: width * classCount }, () => random() - 0.5),
    bias: Float32Array.from({ length: classCount }, () => random() - 0.5),
    training: {
      targetSource: 'labels',
      trainingImages: 10,
      validationImages: 4,
      validationAccuracy: 0.5,
      validationLoss: 1,
      curve: [{ step: 1, trainingLoss: 1, validationLoss: 1, validationAccuracy: 0.5 }],
      missingClasses: [],
    },
  };
}
