import type { PartitionOperator } from '../../transforms/recipe.ts';
import type { TransferType } from '../../transforms/transfer.ts';
import { SelectField } from '../ui/controls.tsx';

const options: readonly { readonly value: TransferType; readonly label: string }[] = [
  { value: 'float32', label: 'float32, as they are' },
  { value: 'float16', label: 'float16, half the bytes' },
  { value: 'uint8', label: '8-bit, a quarter' },
];

/** How values cross the cuts of a partition. */
export function TransferOption({
  operator,
  onOperator,
}: {
  readonly operator: PartitionOperator;
  readonly onOperator: (next: PartitionOperator) => void;
}) {
  const { transfer = 'float32', ...rest } = operator;
  return (
    <SelectField
      title="Values cross as"
      value={transfer}
      options={options}
      onChange={(next) => onOperator(next === 'float32' ? rest : { ...rest, transfer: next })}
    />
  );
}
