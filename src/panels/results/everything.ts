import { orThrow } from '../../base/result.ts';
import { openStatisticsClient } from '../../clients/statistics-client.ts';
import { inSlices } from '../../store/in-slices.ts';
import { factsOf } from '../../study/compare/strategy-facts.ts';
import { type Column, tableCsv } from '../../study/csv/column.ts';
import { COMPARISON_COLUMNS, comparisonsCsv } from '../../study/csv/comparison-columns.ts';
import { PREDICTION_COLUMNS, predictionsCsvInParts } from '../../study/csv/prediction-columns.ts';
import { SAMPLE_COLUMNS } from '../../study/csv/sample-columns.ts';
import { samplesCsvInParts, trialsCsvInParts } from '../../study/csv/study-csv.ts';
import { TRIAL_COLUMNS } from '../../study/csv/trial-columns.ts';
import { csvText } from '../../study/csv-text.ts';
import { deviceRuns, withDeviceNames } from '../../study/devices/device-runs.ts';
import { acrossDevices } from '../../study/devices/device-table.ts';
import { DEVICES_COLUMNS, devicesCsv } from '../../study/devices/devices-csv.ts';
import { devicesText } from '../../study/devices/devices-text.ts';
import type { FrontAxes } from '../../study/front-layout.ts';
import { defaultVerticalAxis } from '../../study/metrics.ts';
import { PICTURES } from '../../study/plots/pictures.ts';
import { svgDocument } from '../../study/plots/svg-elements.ts';
import { adviceFilesOf } from '../../study/recommend/advice-text.ts';
import type { Asked } from '../../study/recommend/wishes.ts';
import type { Adjustment } from '../../study/statistics/adjust.ts';
import { strategiesText } from '../../study/strategies-file.ts';
import { studyJsonInParts } from '../../study/study-json.ts';
import type { Study } from '../../study/trial.ts';
import { textBlob } from '../ui/save-file.ts';
import { type ZippedFile, zipFiles } from '../ui/zip-files.ts';

/** What the files of a study are made of. */
interface Told {
  readonly study: Study;
  /** Studies that stand beside it, as from other devices. */
  readonly beside: readonly Study[];
  readonly adjustment: Adjustment;
  readonly asked: Asked;
  readonly axes: FrontAxes;
}

/** Width of drawings in files, in pixels. */
const drawingWidth = 880;

/**
 * All files of a study as one zip: what was measured, what statistics tell of it, advice, and each picture with its
 * numbers; `columns.csv` says what each column means.
 */
export async function zipOfEverything(told: Told): Promise<Blob> {
  const { study, beside, asked } = told;
  const { trials } = study;
  const { compared, advice } = await statisticsOf(told);
  const advised = adviceFilesOf([{ ...asked, ...advice }]);
  const text = (name: string, content: string): ZippedFile => ({
    name,
    blob: new Blob([content]),
    isText: true,
  });
  const long = async (name: string, parts: Generator<string, void, void>): Promise<ZippedFile> => ({
    name,
    blob: await textBlob(parts),
    isText: true,
  });
  const across = beside.length > 0 ? acrossDevices(deviceRuns([study, ...beside])) : null;
  return zipFiles([
    await long('study.json', studyJsonInParts(study)),
    await long('trials.csv', trialsCsvInParts(trials)),
    await long('samples.csv', samplesCsvInParts(trials)),
    ...(trials.some(({ predictions }) => predictions)
      ? [await long('predictions.csv', predictionsCsvInParts(trials, study.classNames))]
      : []),
    text('comparisons.csv', comparisonsCsv(compared)),
    text('columns.csv', columnsCsv()),
    text('recipes.json', recipesOf(study)),
    text('advice.txt', advised.text),
    text('advice.json', advised.json),
    ...(across ? [text('devices.csv', devicesCsv(across)), text('devices.txt', devicesText(across))] : []),
    ...(await picturesOf(told)).map(([name, content]) => text(name, content)),
  ]);
}

async function statisticsOf({ study, beside, adjustment, asked }: Told) {
  const axis = defaultVerticalAxis(study.trials);
  const facts = study.trials.map(factsOf);
  const others = beside.flatMap(({ trials }) => trials.map(factsOf));
  const everywhere = withDeviceNames([...facts, ...others], [study, ...beside]);
  const client = openStatisticsClient();
  try {
    const compared = await client.api.compare(facts, adjustment, axis === 'rawBytes' ? null : axis);
    const advice = await client.api.advise(everywhere, asked.limits, asked.wish);
    return { compared: orThrow(compared), advice: orThrow(advice) };
  } finally {
    client.terminate();
  }
}

/** Those that can be made of this study, each as SVG and with its numbers. */
async function picturesOf({ study, axes }: Told): Promise<(readonly [name: string, content: string])[]> {
  const files: (readonly [string, string])[] = [];
  for (const kind of PICTURES) {
    const made = await inSlices(kind.make(study.trials, new Map(), axes));
    if (!made?.ok) continue;
    const { finding, rows, draw } = made.value;
    const described = { ...kind, subtitle: study.name, finding };
    files.push([`pictures/${kind.id}.svg`, svgDocument(draw(drawingWidth), described)]);
    files.push([`pictures/${kind.id}.csv`, csvText(rows)]);
  }
  return files;
}

/** Each recipe once, as `npm run study -- --recipes` takes it. */
function recipesOf({ trials }: Study): string {
  const strategies = trials.map(({ strategy: { name, recipe, placement = null } }) => ({
    name,
    recipe,
    placement,
  }));
  return strategiesText([
    ...new Map(strategies.map((each) => [JSON.stringify([each.recipe, each.placement]), each])).values(),
  ]);
}

type Described = Pick<Column<never>, 'name' | 'description'>;

const TABLES: readonly (readonly [file: string, columns: readonly Described[]])[] = [
  ['trials.csv', TRIAL_COLUMNS],
  ['samples.csv', SAMPLE_COLUMNS],
  ['predictions.csv', PREDICTION_COLUMNS],
  ['comparisons.csv', COMPARISON_COLUMNS],
  ['devices.csv', DEVICES_COLUMNS],
];

function columnsCsv(): string {
  const rows = TABLES.flatMap(([file, columns]) => columns.map((column) => ({ file, column })));
  return tableCsv(
    [
      { name: 'file', description: '', cell: ({ file }) => file },
      { name: 'column', description: '', cell: ({ column }) => column.name },
      { name: 'meaning', description: '', cell: ({ column }) => column.description },
    ],
    rows,
  );
}
