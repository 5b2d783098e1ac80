import type { Failure } from '../base/result.ts';
import type { Lab } from './slice.ts';

/** What takes the device's cores for a while, so that nothing can be timed beside it. */
interface Work {
  readonly isUnderWay: (lab: Lab) => boolean;
  readonly message: string;
  readonly hint: string;
}

const STUDY: Work = {
  isUnderWay: ({ run }) => run !== null,
  message: 'a study is running',
  hint: 'Wait for it, or cancel it first.',
};

const WORKS: readonly Work[] = [
  STUDY,
  {
    isUnderWay: ({ exitTraining }) => exitTraining !== null,
    message: 'exits are being trained',
    hint: 'Wait a moment, or cancel the training.',
  },
  {
    isUnderWay: ({ scanning }) => scanning !== null,
    message: 'layers are being looked at one by one',
    hint: 'Wait a moment, or cancel it under the recipe.',
  },
  {
    isUnderWay: ({ blockScanning }) => blockScanning !== null,
    message: 'blocks are being taken out one by one',
    hint: 'Wait a moment, or cancel it under the recipe.',
  },
  {
    isUnderWay: ({ pruneScanning }) => pruneScanning !== null,
    message: 'groups of channels are being looked at one by one',
    hint: 'Wait a moment, or cancel it under the recipe.',
  },
  {
    isUnderWay: ({ pruneTiming }) => pruneTiming !== null,
    message: 'ratios for groups of channels are being looked for',
    hint: 'Wait a moment, or cancel it under the recipe.',
  },
  {
    isUnderWay: ({ calibrating }) => calibrating !== null,
    message: 'the ranges of values are being calibrated',
    hint: 'Wait a moment, or cancel the calibration.',
  },
  {
    isUnderWay: ({ formProbe }) => formProbe !== null,
    message: 'forms are being compared on this device',
    hint: 'Wait a moment, or cancel it under This device.',
  },
  {
    isUnderWay: ({ explaining }) => explaining !== null,
    message: 'a trial is being looked into',
    hint: 'Wait a moment, or cancel it there.',
  },
  {
    isUnderWay: ({ isProfiling }) => isProfiling,
    message: 'the model is being profiled',
    hint: 'Wait a moment, or cancel it under Placement.',
  },
];

/** Why nothing can be timed now; null if something can. */
export function busyDevice(lab: Lab): Failure | null {
  return busyWith(WORKS, lab);
}

/** That a study is running, which what would disturb it has to wait for; null if none is. */
export function busyStudy(lab: Lab): Failure | null {
  return busyWith([STUDY], lab);
}

function busyWith(works: readonly Work[], lab: Lab): Failure | null {
  const work = works.find(({ isUnderWay }) => isUnderWay(lab));
  return work === undefined ? null : { code: 'busy', message: work.message, hint: work.hint };
}
