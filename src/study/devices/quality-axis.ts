import { type AxisId, defaultVerticalAxis } from '../metrics.ts';
import type { DeviceTable } from './device-table.ts';

/** What stands against latency on the front of a table. */
export function qualityAxisOf({ rows }: DeviceTable): AxisId {
  return defaultVerticalAxis(rows.flatMap(({ trials }) => trials.filter((trial) => trial !== null)));
}
