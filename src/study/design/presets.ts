import { quickLook, standard, sustained } from './own-presets.ts';
import { blackBox, cnnExits, convnext, edgeCompression } from './paper-presets.ts';
import type { StudyPreset } from './preset.ts';

/** All presets, the lab's own first. */
export const PRESETS: readonly StudyPreset[] = [
  quickLook,
  standard,
  sustained,
  blackBox,
  edgeCompression,
  cnnExits,
  convnext,
];
