import { useState } from 'react';
import { attempt } from '../../base/result.ts';
import { samplesCsvInParts, trialsCsvInParts } from '../../study/csv/study-csv.ts';
import type { AxisId } from '../../study/metrics.ts';
import { frontSvg } from '../../study/plot-svg.ts';
import { studyJsonInParts } from '../../study/study-json.ts';
import type { Study, Trial } from '../../study/trial.ts';
import { useLab } from '../../store/lab.ts';
import { deviceProfilesOf } from '../../store/placement-slice.ts';
import panel from '../panel.module.css';
import { Button, FileButton } from '../ui/controls.tsx';
import { saveFile, saveText } from '../ui/save-file.ts';
import { svgToPng } from './svg-to-png.ts';

interface DownloadsProps {
  readonly study: Omit<Study, 'trials'> | null;
  readonly trials: readonly Trial[];
  readonly x: AxisId;
  readonly y: AxisId;
}

/** All that is measured at the press; what is drawn may lag behind it. */
const trialsNow = (): readonly Trial[] => useLab.getState().trials;

/** Everything measured, as files; and a study of another device back in. */
export function Downloads({ study, trials, x, y }: DownloadsProps) {
  const importStudies = useLab((lab) => lab.importStudies);
  const reportFailure = useLab((lab) => lab.reportFailure);
  const isEmpty = study === null || trials.length === 0;
  const profiles = useLab((lab) => lab.profiles);
  const environment = useLab((lab) => lab.environment);
  /** With what the nodes take on this device, where the study was made. */
  const complete = (whole: Study): Study => {
    const isOfHere = trials.every((trial) => trial.environment.userAgent === environment?.userAgent);
    const measured = isOfHere ? deviceProfilesOf(profiles, whole.modelId) : [];
    return measured.length > 0 ? { ...whole, profiles: measured } : whole;
  };
  const [isZipping, setZipping] = useState(false);
  const saveEverything = async () => {
    if (study === null) return;
    setZipping(true);
    const zipped = await attempt(async () => {
      const { zipOfEverything } = await import('./everything.ts');
      const { beside, adjustment, asked } = useLab.getState();
      const whole = complete({ ...study, trials: trialsNow() });
      const zip = await zipOfEverything({
        study: whole,
        beside: [...beside.values()],
        adjustment,
        asked,
        axes: { x, y },
      });
      saveFile(`${study.name}.zip`, zip);
    });
    setZipping(false);
    if (!zipped.ok) reportFailure('The files could not be packed', zipped.failure);
  };
  const plot = () =>
    frontSvg(trialsNow(), {
      x,
      y,
      title: study?.name ?? 'Front',
      subtitle: trials[0] ? `${trials[0].environment.platform} · ${trials[0].strategy.provider}` : '',
    });
  const savePng = async () => {
    try {
      saveFile('front.png', await svgToPng(plot()));
    } catch {
      reportFailure('The picture could not be drawn', {
        code: 'png-failed',
        message: 'this browser did not draw the plot',
        hint: 'Take the SVG instead.',
      });
    }
  };
  return (
    <div className={panel.buttons}>
      {!isEmpty && (
        <>
          <TextButton name="trials.csv" mediaType="text/csv" make={() => trialsCsvInParts(trialsNow())} />
          <TextButton name="samples.csv" mediaType="text/csv" make={() => samplesCsvInParts(trialsNow())} />
          <TextButton
            name="study.json"
            mediaType="application/json"
            make={() => studyJsonInParts(complete({ ...study, trials: trialsNow() }))}
          />
          <Button disabled={isZipping} onClick={() => void saveEverything()}>
            {isZipping ? 'Packing…' : 'Everything (ZIP)'}
          </Button>
          <Button onClick={() => saveFile('front.svg', plot(), 'image/svg+xml')}>SVG</Button>
          <Button onClick={() => void savePng()}>PNG</Button>
        </>
      )}
      <FileButton
        accept=".json,.gz,.zip,application/json,application/gzip,application/zip"
        look="link"
        multiple
        onFiles={(files) => void importStudies(files)}
      >
        Open a study.json
      </FileButton>
    </div>
  );
}

interface TextButtonProps {
  /** Of the file, and on the button. */
  readonly name: string;
  readonly mediaType: string;
  readonly make: () => Generator<string, void, void>;
}

/** Saves a text that may take a while. */
function TextButton({ name, mediaType, make }: TextButtonProps) {
  const [isMaking, setMaking] = useState(false);
  const save = async () => {
    setMaking(true);
    await saveText(name, make(), mediaType);
    setMaking(false);
  };
  return (
    <Button disabled={isMaking} onClick={() => void save()}>
      {name}
    </Button>
  );
}
