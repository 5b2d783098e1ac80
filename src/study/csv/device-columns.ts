import { compressionMs } from '../table-columns.ts';
import { type Column, ms } from './column.ts';
import type { TrialRow } from './trial-columns.ts';

/** What making and loading it takes, and what it ran on. */
export const DEVICE_COLUMNS: readonly Column<TrialRow>[] = [
  {
    name: 'compression_ms',
    description: 'Compression time in all: the sum of the next three',
    cell: ({ trial }) => ms(compressionMs(trial)),
  },
  {
    name: 'build_ms',
    description: 'Making the files from the model',
    cell: ({ trial }) => ms(trial.buildMs),
  },
  {
    name: 'calibration_ms',
    description:
      'What looking at images to calibrate, rank or recalibrate added to it; shared by strategies that need the same. Empty if that was not needed',
    cell: ({ trial }) => ms(trial.calibrationMs ?? null),
  },
  {
    name: 'exit_training_ms',
    description:
      'What training its exits on this device took, whenever that was; shared likewise. Empty where none were trained, or earlier versions did',
    cell: ({ trial }) => ms(trial.trainingMs ?? null),
  },
  {
    name: 'session_create_ms',
    description: 'Time to load the files into the runtime',
    cell: ({ trial }) => ms(trial.sessionCreateMs),
  },
  {
    name: 'heap_bytes',
    description: 'Largest WASM heap of the worker that ran it',
    cell: ({ trial }) => trial.heapBytes,
  },
  {
    name: 'user_agent',
    description: 'Browser and system',
    cell: ({ trial }) => trial.environment.userAgent,
  },
  {
    name: 'cores',
    description: 'Logical cores of the device',
    cell: ({ trial }) => trial.environment.hardwareConcurrency,
  },
  {
    name: 'cross_origin_isolated',
    description: 'Whether threads and the fine timer were available',
    cell: ({ trial }) => trial.environment.crossOriginIsolated,
  },
  {
    name: 'timer_resolution_us',
    description: 'Resolution of the timer, in microseconds',
    cell: ({ trial }) => trial.environment.timerResolutionUs,
  },
  {
    name: 'runtime_version',
    description: 'Version of onnxruntime-web',
    cell: ({ trial }) => trial.environment.runtimeVersion,
  },
  { name: 'warnings', description: 'What to know about it', cell: ({ trial }) => trial.warnings.join(' | ') },
];
