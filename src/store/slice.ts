import type { StateCreator } from 'zustand';
import type { BlocksSlice } from './blocks-slice.ts';
import type { StatisticsSlice } from './statistics-slice.ts';
import type { CalibrationSlice } from './calibration-slice.ts';
import type { ChannelsSlice } from './channels-slice.ts';
import type { DataSlice } from './data-slice.ts';
import type { DesignSlice } from './design-slice.ts';
import type { DeviceSlice } from './device-slice.ts';
import type { DevicesSlice } from './devices-slice.ts';
import type { FormsSlice } from './forms-slice.ts';
import type { HeadsSlice } from './heads-slice.ts';
import type { ModelSlice } from './model-slice.ts';
import type { NormalisationSlice } from './normalisation-slice.ts';
import type { NoticeSlice } from './notice-slice.ts';
import type { PlacementSlice } from './placement-slice.ts';
import type { PruneSlice } from './prune-slice.ts';
import type { QualitySlice } from './quality-slice.ts';
import type { RecipeSlice } from './recipe-slice.ts';
import type { SensitivitySlice } from './sensitivity-slice.ts';
import type { StrategySlice } from './strategy-slice.ts';
import type { StudySlice } from './study-slice.ts';
import type { ThresholdsSlice } from './thresholds-slice.ts';
import type { UiSlice } from './ui-slice.ts';

/** Everything the page knows. Facts only; what can be derived is in `selectors.ts`. */
export type Lab = ModelSlice &
  DataSlice &
  NormalisationSlice &
  RecipeSlice &
  HeadsSlice &
  CalibrationSlice &
  StatisticsSlice &
  FormsSlice &
  PlacementSlice &
  StrategySlice &
  StudySlice &
  ThresholdsSlice &
  QualitySlice &
  SensitivitySlice &
  BlocksSlice &
  PruneSlice &
  ChannelsSlice &
  DesignSlice &
  DeviceSlice &
  DevicesSlice &
  UiSlice &
  NoticeSlice;

/** A slice's maker: sees the whole lab, makes its own part. */
export type Slice<Part> = StateCreator<Lab, [], [], Part>;
