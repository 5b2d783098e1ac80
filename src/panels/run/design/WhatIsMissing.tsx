import { removeDesignModel } from '../../../store/design-work.ts';
import { useLab } from '../../../store/lab.ts';
import { openFiles, pickedFiles } from '../../../store/open-files.ts';
import type { StudyDesign } from '../../../study/design/design.ts';
import panel from '../../panel.module.css';
import { Button, FileButton } from '../../ui/controls.tsx';
import styles from './Design.module.css';

/** Models and images that a plan was made for and that are not open here, each with a way to give it. */
export function WhatIsMissing({ design }: { readonly design: StudyDesign }) {
  const problems = useLab((lab) => lab.designProblems);
  const open = useLab((lab) => lab.data?.dataset);
  const missing = design.models.flatMap((model) => {
    const problem = problems.get(model.modelId);
    return problem === undefined ? [] : [{ model, problem }];
  });
  const { dataset } = design;
  const isOfOthers = dataset !== null && open !== undefined && open.id !== dataset.datasetId;
  return (
    <>
      {missing.map(({ model: { modelId, modelName }, problem }) => (
        <section key={modelId} className={`${panel.problem} ${styles.missing}`} aria-label={modelName}>
          <p>{`${problem.replace(/\.$/, '')}.`}</p>
          <div className={panel.buttons}>
            <FileButton multiple onFiles={(files) => void openFiles(pickedFiles(files))}>
              Open {modelName}…
            </FileButton>
            {design.models.length > 1 && (
              <Button aria-label={`Leave ${modelName} out`} onClick={() => removeDesignModel(modelId)}>
                Leave it out
              </Button>
            )}
          </div>
        </section>
      ))}
      {isOfOthers && (
        <section className={`${panel.problem} ${styles.missing}`} aria-label={dataset.datasetName}>
          <p>
            The plan was made for other images: found {open.name}, wanted {dataset.datasetName}. It can be
            measured with these, but accuracies and sizes of images will not compare.
          </p>
          <div className={panel.buttons}>
            <FileButton multiple onFiles={(files) => void openFiles(pickedFiles(files))}>
              Open {dataset.datasetName}…
            </FileButton>
          </div>
        </section>
      )}
    </>
  );
}
