import { useLab } from '../../store/lab.ts';
import type { Trial } from '../../study/trial.ts';
import { Button } from '../ui/controls.tsx';

/** Opens the model of a trial, where the lab has it or keeps it. */
export function OpenModelButton({ trial: { modelName, strategy } }: { readonly trial: Trial }) {
  const models = useLab((lab) => lab.study?.models);
  const openModel = useLab((lab) => lab.openModel);
  const open = async () => {
    const { sourceOf } = await import('../../store/other-models.ts');
    const source = models?.find(({ modelId }) => modelId === strategy.modelId)?.source;
    await openModel(sourceOf({ modelId: strategy.modelId, modelName, ...(source && { source }) }));
  };
  return <Button onClick={() => void open()}>Open {modelName}</Button>;
}
