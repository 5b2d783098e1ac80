import { type ShapesByValue, valueBytes } from './cost.ts';
import type { ValueView } from './graph-view.ts';
import type { ValueName } from './model.ts';
import { shapeText } from './shape-inference.ts';
import { dataTypeName } from './tensor.ts';

/**
 * A value as plain data.
 * @param shapes as the file has them
 * @param counted with open sizes as they are counted
 */
export function valueView(name: ValueName, shapes: ShapesByValue, counted: ShapesByValue): ValueView {
  const { dataType, shape } = shapes.get(name) ?? { dataType: 0, shape: null };
  const atSize = counted.get(name) ?? { dataType, shape };
  const isOther = shapeText(atSize.shape) !== shapeText(shape);
  return {
    name,
    dataType: dataTypeName(dataType),
    shape,
    ...(isOther && { counted: atSize.shape }),
    bytes: valueBytes(atSize),
  };
}
