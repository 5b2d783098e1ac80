import { detectEnvironment } from '../clients/capabilities.ts';
import type { Environment } from '../study/trial.ts';
import type { Slice } from './slice.ts';

export interface DeviceSlice {
  /** What this device offers; null until it was looked at. */
  readonly environment: Environment | null;
  readonly detectDevice: () => Promise<void>;
}

export const createDeviceSlice: Slice<DeviceSlice> = (set, get) => ({
  environment: null,
  detectDevice: async () => {
    const environment = await detectEnvironment();
    set({ environment });
    // What was chosen on an earlier visit may have gone with an update of the browser.
    const { provider } = get().settings;
    const isGone = (provider === 'webgpu' || provider === 'webnn') && !environment[provider].available;
    if (isGone) get().changeSettings({ provider: 'auto' });
  },
});
