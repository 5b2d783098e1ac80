import { grouped } from '../../base/grouped.ts';
import { apartText } from './apart.ts';
import { environmentDifferences } from './environment-differences.ts';
import { agreementsWorthTelling, agreementText, changeText } from './rank-devices.ts';
import type { AcrossDevices, DeviceRow, DeviceTable } from './device-table.ts';

/** Changes of places that are told one by one. */
const mostChanges = 8;

/** What comparing devices tells, as sentences: devices.txt. */
export function devicesText(across: AcrossDevices): string {
  const runs = [
    ...new Map(across.tables.flatMap((table) => table.runs.map((run) => [run.id, run]))).values(),
  ];
  const differences = environmentDifferences(runs).flatMap(({ what, values }) => [
    `${what}:`,
    ...[...grouped(runs, (_run, at) => values[at] ?? '')].map(
      ([value, some]) => `- ${value}: ${some.map(({ name }) => name).join('; ')}`,
    ),
  ]);
  const parts = [
    ...across.tables.flatMap((table) => [heading(table), ...tableSentences(table), '']),
    ...(across.apart.length > 0 ? ['What does not compare:', ...across.apart.map(apartText), ''] : []),
    ...(differences.length > 0 ? ['How the devices differ:', ...differences] : []),
  ];
  return `${parts.join('\n').trimEnd()}\n`;
}

function heading({ datasetName, runs, rows }: DeviceTable): string {
  return `${rows.length} strategies on ${datasetName}: ${runs.map(({ name }) => name).join('; ')}`;
}

function tableSentences(table: DeviceTable): readonly string[] {
  const agreements = agreementsWorthTelling(table).flatMap((agreement) => [
    agreementText(agreement),
    ...agreement.changes.slice(0, mostChanges).map((change) => changeText(change, agreement)),
  ]);
  return [...agreements, answersText(table.rows)].filter((sentence) => sentence !== '');
}

/** Whether devices answered alike, as sentences; empty where fewer than two tell answers. */
export function answersText(rows: readonly DeviceRow[]): string {
  const told = rows.filter(({ answers }) => answers !== null);
  if (told.length === 0) return '';
  const different = told.filter(({ answers }) => (answers?.differing ?? 0) > 0);
  const partial = told.filter(({ answers }) => answers?.isPartial);
  const alike =
    different.length === 0
      ? 'All devices name the same class for every image, with every strategy that two or more of them measured.'
      : `Devices name different classes: ${different.map(({ name, answers }) => `${name} for ${answers?.differing} of ${answers?.images} images`).join(', ')}.`;
  return partial.length === 0
    ? alike
    : `${alike} Accuracies of ${partial.map(({ name }) => name).join(', ')} are not of the same images everywhere.`;
}
