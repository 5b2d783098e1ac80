import { intAttribute } from '../attributes.ts';
import { DataType } from '../model.ts';
import { type Facts, required, type ShapeContext, type ShapeFunction, typed } from './facts.ts';

/** The output's type is the zero point's, or an attribute's since opset 21. */
function quantizeLinear(context: ShapeContext): readonly Facts[] {
  const { shape } = required(context, 0);
  const named = intAttribute(context.node, 'output_dtype');
  const dataType = named || (context.inputs[2]?.dataType ?? DataType.uint8);
  return [typed(dataType, shape)];
}

function dequantizeLinear(context: ShapeContext): readonly Facts[] {
  const { shape } = required(context, 0);
  const scale = required(context, 1);
  return [typed(scale.dataType || DataType.float, shape)];
}

function dynamicQuantizeLinear(context: ShapeContext): readonly Facts[] {
  const { shape } = required(context, 0);
  return [typed(DataType.uint8, shape), typed(DataType.float, []), typed(DataType.uint8, [])];
}

/** Operators between real and integer tensors; the quantized products are with their real relatives. */
export const quantizedShapes: readonly (readonly [string, ShapeFunction])[] = [
  ['QuantizeLinear', quantizeLinear],
  ['DequantizeLinear', dequantizeLinear],
  ['DynamicQuantizeLinear', dynamicQuantizeLinear],
  ['com.microsoft:QuantizeLinear', quantizeLinear],
  ['com.microsoft:DequantizeLinear', dequantizeLinear],
];
