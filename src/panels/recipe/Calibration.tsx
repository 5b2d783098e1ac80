import { useLab } from '../../store/lab.ts';
import { calibrationFor, calibrationsByKey } from '../../transforms/quantize/calibrate/calibration.ts';
import { serialiseCalibrations } from '../../study/calibration-json.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { PassProgress } from '../ui/PassProgress.tsx';
import { saveFile } from '../ui/save-file.ts';

/** Of static quantization: the calibration that the recipe needs, and what is known of it. */
export function Calibration({ recipe }: { readonly recipe: Recipe }) {
  const calibrations = useLab((lab) => lab.calibrations);
  const calibrating = useLab((lab) => lab.calibrating);
  const problem = useLab((lab) => lab.calibrationProblem);
  const calibrate = useLab((lab) => lab.calibrateFor);
  const cancel = useLab((lab) => lab.cancelCalibration);
  const isRandom = useLab((lab) => lab.preprocessing?.random ?? false);
  const known = calibrationFor(recipe, calibrationsByKey(calibrations));
  if (calibrating) {
    return (
      <PassProgress
        done={calibrating.progress?.done ?? 0}
        total={calibrating.progress?.total ?? 0}
        preparing="Preparing the calibration"
        doing="Calibrating on"
        cancelLabel="Cancel the calibration"
        onCancel={cancel}
      />
    );
  }
  return (
    <div className={panel.stack}>
      {known ? (
        <p className={`${panel.dim} ${panel.small}`}>
          Calibrated on{' '}
          {isRandom ? 'random inputs' : known.images === 1 ? 'one image' : `${known.images} images`}: ranges
          of {known.ranges.size} values are known.
        </p>
      ) : (
        <p className={`${panel.dim} ${panel.small}`}>
          Measuring calibrates by itself, on the CPU wherever the model runs; nothing of the images is kept
          but the ranges of values.
        </p>
      )}
      {known?.warnings.map((warning) => (
        <p key={warning} className={panel.small}>
          {warning}
        </p>
      ))}
      {problem && <Problem failure={problem} />}
      <div className={panel.buttons}>
        {!known && <Button onClick={() => void calibrate(recipe)}>Calibrate now</Button>}
        {known && (
          <Button
            onClick={() => saveFile('calibration.json', serialiseCalibrations([known]), 'application/json')}
          >
            Save calibration.json
          </Button>
        )}
      </div>
    </div>
  );
}
