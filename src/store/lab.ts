import { create } from 'zustand';
import { createBlocksSlice } from './blocks-slice.ts';
import { createStatisticsSlice } from './statistics-slice.ts';
import { createCalibrationSlice } from './calibration-slice.ts';
import { createChannelsSlice } from './channels-slice.ts';
import { createDataSlice } from './data-slice.ts';
import { createDesignSlice } from './design-slice.ts';
import { createDeviceSlice } from './device-slice.ts';
import { createDevicesSlice } from './devices-slice.ts';
import { createFormsSlice } from './forms-slice.ts';
import { createHeadsSlice } from './heads-slice.ts';
import { createModelSlice } from './model-slice.ts';
import { createNormalisationSlice } from './normalisation-slice.ts';
import { createNoticeSlice } from './notice-slice.ts';
import { createPlacementSlice } from './placement-slice.ts';
import { createQualitySlice } from './quality-slice.ts';
import { createPruneSlice } from './prune-slice.ts';
import { createRecipeSlice } from './recipe-slice.ts';
import { createSensitivitySlice } from './sensitivity-slice.ts';
import type { Lab } from './slice.ts';
import { createStrategySlice } from './strategy-slice.ts';
import { createStudySlice } from './study-slice.ts';
import { createThresholdsSlice } from './thresholds-slice.ts';
import { createUiSlice } from './ui-slice.ts';

/** The lab's state and actions; components select one thing each: `useLab((lab) => lab.model)`. */
export const useLab = create<Lab>()((...tools) => ({
  ...createNoticeSlice(...tools),
  ...createModelSlice(...tools),
  ...createDataSlice(...tools),
  ...createNormalisationSlice(...tools),
  ...createRecipeSlice(...tools),
  ...createHeadsSlice(...tools),
  ...createCalibrationSlice(...tools),
  ...createStatisticsSlice(...tools),
  ...createFormsSlice(...tools),
  ...createPlacementSlice(...tools),
  ...createStrategySlice(...tools),
  ...createStudySlice(...tools),
  ...createThresholdsSlice(...tools),
  ...createQualitySlice(...tools),
  ...createSensitivitySlice(...tools),
  ...createBlocksSlice(...tools),
  ...createPruneSlice(...tools),
  ...createChannelsSlice(...tools),
  ...createDesignSlice(...tools),
  ...createDeviceSlice(...tools),
  ...createDevicesSlice(...tools),
  ...createUiSlice(...tools),
}));
