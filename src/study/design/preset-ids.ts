/** Names presets in plans and studies. */
export const PRESET_IDS = [
  'quick-look',
  'standard',
  'sustained',
  'black-box',
  'edge-compression',
  'cnn-exits',
  'convnext',
] as const;

export type PresetId = (typeof PRESET_IDS)[number];
