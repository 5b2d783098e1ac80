import { detectEnvironment } from '../clients/capabilities.ts';
import type { Environment } from '../study/trial.ts';
import type { Slice } from './slice.ts';

export interface DeviceSlice {
  /** What this device offers; null until it was looked at. */
  readonly environment: Environment | null;
  readonly detectDevice: () => Promise<void>;
}

export const createDeviceSlice: Slice<DeviceSlice> = (set) => ({
  environment: null,
  detectDevice: async () => set({ environment: await detectEnvironment() }),
});
