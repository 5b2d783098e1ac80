import type { Result } from '../base/result.ts';
import {
  type Calibration,
  keyOfCalibration,
  mergedCalibration,
} from '../transforms/quantize/calibrate/calibration.ts';
import { openDatabase } from './database.ts';
import { attemptWrite } from './storage.ts';
import { recordsOf, type Subject, subjectId } from './subject.ts';

/** Keeps calibrations, so that a recipe that comes back need not run the images again; ranges add up. */
export function saveCalibrations(
  subject: Subject,
  calibrations: readonly Calibration[],
): Promise<Result<void>> {
  return attemptWrite('the calibration', async () => {
    const transaction = (await openDatabase()).transaction('calibrations', 'readwrite');
    const id = subjectId(subject);
    for (const calibration of calibrations) {
      const key = keyOfCalibration(calibration);
      const older = await transaction.store.get([id, key]);
      const merged = older ? mergedCalibration(older.calibration, calibration) : calibration;
      await transaction.store.put({ subject: id, key, calibration: merged });
    }
    await transaction.done;
  });
}

/** All kept calibrations of a model on these images. */
export async function loadCalibrations(subject: Subject): Promise<readonly Calibration[]> {
  return (await recordsOf('calibrations', subject)).map(({ calibration }) => calibration);
}
