import { describe, expect, it } from 'vitest';
import { tensorBytes } from '../../../../src/onnx/tensor.ts';
import { foldBatchNorm } from '../../../../src/transforms/prepare/fold-batch-norm.ts';
import { quantizeMixed } from '../../../../src/transforms/quantize/mixed.ts';
import {
  type MixedQuantizeOperator,
  PRECISIONS,
} from '../../../../src/transforms/quantize/mixed-operator.ts';
import { sensitivityUnits } from '../../../../src/transforms/quantize/sensitivity-units.ts';
import { staticFormOf } from '../../../../src/transforms/quantize/static/static-form.ts';
import { calibrated, network } from './mixed-network.ts';

describe('the bytes of a layer', () => {
  const { model } = foldBatchNorm(network());
  const float32 = model.graph.initializers.reduce((sum, tensor) => sum + tensorBytes(tensor).length, 0);

  it.each(
    (['qdq', 'qoperator'] as const).flatMap((format) =>
      [true, false].flatMap((perChannel) =>
        PRECISIONS.map((precision) => ({ format, perChannel, precision }) as const),
      ),
    ),
  )('are those that are written: $precision, $format, per channel: $perChannel', async (each) => {
    const { precision, ...form } = each;
    const units = sensitivityUnits(model, staticFormOf({ op: 'quantize', ...form }, []));
    for (const { kind, layers, bytes } of units) {
      if (kind === 'block') continue;
      const operator: MixedQuantizeOperator = {
        op: 'quantize',
        mode: 'mixed',
        default: 'float32',
        layers: [{ nodes: layers, precision }],
        ...form,
      };
      const ranges = precision === 'int8' ? await calibrated(model, operator) : new Map();
      const { initializers } = quantizeMixed(model, operator, ranges).model.graph;
      const written = initializers.reduce((sum, tensor) => sum + tensorBytes(tensor).length, 0);
      const taken = bytes[precision] - bytes.float32;
      // Besides: the scales and zero points of activations, the shape that blocks are given back.
      expect(written - float32 - taken, layers.join()).toBeGreaterThanOrEqual(0);
      expect(written - float32 - taken, layers.join()).toBeLessThanOrEqual(32);
    }
  });
});
