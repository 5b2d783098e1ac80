import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { InputError } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import { isZip } from '../data/archive.ts';
import { memorySource } from '../onnx/byte-source.ts';
import { factsOf } from '../study/compare/strategy-facts.ts';
import { apartText } from '../study/devices/apart.ts';
import { deviceRuns, withDeviceNames } from '../study/devices/device-runs.ts';
import { acrossDevices } from '../study/devices/device-table.ts';
import { devicesCsv } from '../study/devices/devices-csv.ts';
import { DEVICES_FRONT, devicesFront } from '../study/devices/devices-front.ts';
import { devicesText } from '../study/devices/devices-text.ts';
import { rankDevices } from '../study/devices/rank-devices.ts';
import { adviceFiles } from '../study/recommend/advice-text.ts';
import type { Asked } from '../study/recommend/wishes.ts';
import { svgDocument } from '../study/plots/svg-elements.ts';
import { studiesInZip } from '../study/study-archive.ts';
import { parseStudy } from '../study/study-json.ts';
import type { Study } from '../study/trial.ts';
import { resolveUserPath } from './open-model-argument.ts';

const pictureWidth = 880;
/** As the app takes them: longer texts do not fit into a string everywhere. */
const mostBytes = 400_000_000;

/**
 * Puts studies beside each other: devices.csv, devices.txt and, of the comparison with most devices, devices.svg.
 * @param files study.json, gzipped or not, or zips of studies
 * @param asked what to advise on; null: each wish, without limits
 * @returns what was compared, for the command's JSON
 * @throws InputError naming the file and what is wrong with it
 */
export function mergeStudies(files: readonly string[], outFolder: string, asked: Asked | null): object {
  const studies = files.flatMap(readStudies);
  const across = acrossDevices(deviceRuns(studies));
  // Study by study: two files may hold the same one, of devices called otherwise.
  const facts = studies.flatMap((study) => withDeviceNames(study.trials.map(factsOf), [study]));
  const advice = adviceFiles(facts, asked);
  const [largest] = across.tables;
  const reports = [
    ['devices.csv', devicesCsv(across)],
    ['devices.txt', devicesText(across)],
    ['advice.txt', advice.text],
    ['advice.json', advice.json],
    ...(largest
      ? [
          [
            'devices.svg',
            svgDocument(devicesFront(largest).draw(pictureWidth), {
              ...DEVICES_FRONT,
              subtitle: largest.datasetName,
            }),
          ] as const,
        ]
      : []),
  ] as const;
  mkdirSync(outFolder, { recursive: true });
  for (const [name, content] of reports) writeFileSync(join(outFolder, name), content);
  return {
    comparisons: across.tables.map((table) => ({
      images: table.datasetName,
      devices: table.runs.map(({ name }) => name),
      strategies: table.rows.map(({ name }) => name),
      agreement: rankDevices(table).map(({ here, there, strategies, tau, changes }) => ({
        devices: [here.name, there.name],
        strategies,
        kendallTauB: tau.ok ? tau.value.agreement : null,
        p: tau.ok ? tau.value.p : null,
        clearChanges: changes.filter(({ isClear }) => isClear).length,
      })),
    })),
    apart: across.apart.map(apartText),
    files: reports.map(([name]) => join(outFolder, name)),
  };
}

function readStudies(argument: string): readonly Study[] {
  const path = resolveUserPath(argument);
  if (!existsSync(path)) throw new Error(`${path}: there is no such file`);
  try {
    const bytes = readFileSync(path);
    const zipped = memorySource(bytes);
    if (isZip(zipped)) return studiesInZip(zipped, path);
    const isGzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return [parseStudy((isGzipped ? gunzipped(bytes) : bytes).toString('utf8'))];
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    throw new InputError({ ...thrown.failure, message: `${path}: ${thrown.failure.message}` });
  }
}

function gunzipped(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: mostBytes });
  } catch (thrown) {
    if (thrown instanceof RangeError)
      throw new InputError({
        code: 'study-too-large',
        message: `it unpacks to more than ${formatBytes(mostBytes)}`,
      });
    throw new InputError({
      code: 'study-gzip-broken',
      message: 'the gzip data cannot be read',
      hint: 'The file may have been cut off; export or copy it again.',
    });
  }
}
