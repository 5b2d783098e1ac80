import { useEffect, useMemo, useState } from 'react';
import { closeDesign } from '../../../store/design-models.ts';
import { importDesign, measureDesign, plannedStudyOf, resumeDesign } from '../../../store/design-work.ts';
import { useLab } from '../../../store/lab.ts';
import { trialOfNow } from '../../../store/normalisation-slice.ts';
import { isMeantFor, type StudyDesign } from '../../../study/design/design.ts';
import type { PlannedStudy } from '../../../study/design/planned-study.ts';
import { PRESETS } from '../../../study/design/presets.ts';
import { serialiseDesign } from '../../../study/design/read-design.ts';
import panel from '../../panel.module.css';
import { Button, FileButton } from '../../ui/controls.tsx';
import { RunIcon } from '../../ui/icons.tsx';
import { Modal } from '../../ui/Modal.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { DesignAxes } from './DesignAxes.tsx';
import { DesignMatrix } from './DesignMatrix.tsx';
import { basisText, durationText, likelyText } from './design-text.ts';
import styles from './Design.module.css';
import { PresetCards } from './PresetCards.tsx';
import { ProtocolFields } from './ProtocolFields.tsx';
import { WhatIsMeasured } from './WhatIsMeasured.tsx';
import { WhatIsMissing } from './WhatIsMissing.tsx';

/** A study as a matrix: a preset to begin with, what it comes to on this device, and every cell of it. */
export function DesignDialog({ onClose }: { readonly onClose: () => void }) {
  const design = useLab((lab) => lab.design);
  const hasModel = useLab((lab) => lab.model !== null);
  const [isChoosing, setChoosing] = useState(false);
  useEffect(() => {
    void resumeDesign();
    return closeDesign;
  }, []);
  return (
    <Modal title="Design a study" wide onClose={onClose}>
      {!hasModel && <p className={panel.dim}>Open a model first.</p>}
      {design === null || isChoosing ? (
        <PresetCards onChosen={() => setChoosing(false)} />
      ) : (
        <Plan design={design} onOthers={() => setChoosing(true)} onClose={onClose} />
      )}
      <ImportLine onImported={() => setChoosing(false)} />
    </Modal>
  );
}

function Plan({
  design,
  onOthers,
  onClose,
}: {
  readonly design: StudyDesign;
  readonly onOthers: () => void;
  readonly onClose: () => void;
}) {
  const planned = usePlanned();
  const designing = useLab((lab) => lab.designing);
  const isRunning = useLab((lab) => lab.run !== null);
  const isTrying = useLab((lab) => trialOfNow(lab)?.state.kind === 'running');
  const leftOut = useLab((lab) => lab.designLeftOut);
  const showTab = useLab((lab) => lab.showTab);
  const count = planned?.strategies.length ?? 0;
  const preset = PRESETS.find(({ id }) => id === design.preset);
  return (
    <div className={styles.plan}>
      <div className={styles.title}>
        <h3>{design.name}</h3>
        <Button look="link" onClick={onOthers}>
          Other presets
        </Button>
      </div>
      {preset && <p className={panel.dim}>{preset.note}</p>}
      <div className={styles.summary}>
        <p role="status">
          <strong>{count === 1 ? '1 trial' : `${count} trials`}</strong>
          {planned && count > 0 && (
            <>
              {' · '}
              <strong>
                {design.protocol.stopping ? 'at most' : 'about'} {durationText(planned.expectedMs)}
              </strong>
            </>
          )}
          {designing !== null && <span className={panel.dim}> {designing}…</span>}
        </p>
        <Button
          look="primary"
          big
          disabled={count === 0 || isRunning || isTrying || designing !== null}
          onClick={() => {
            onClose();
            showTab('run');
            void measureDesign();
          }}
        >
          <RunIcon /> {isTrying ? 'Trying normalizations…' : 'Measure the plan'}
        </Button>
      </div>
      <WhatIsMissing design={design} />
      {planned && <Details design={design} planned={planned} />}
      {leftOut.map(({ name, reason, model }) => (
        <p key={`${model.modelId} ${name}`} className={`${panel.dim} ${panel.small}`}>
          <strong>{name}</strong>
          {design.models.length > 1 && ` of ${model.modelName}`}: {reason}.
        </p>
      ))}
      <WhatIsMeasured design={design} />
      <details open className={styles.fold}>
        <summary className={panel.summaryLine}>Cells</summary>
        {planned && <DesignMatrix design={design} planned={planned} />}
      </details>
      <details className={styles.fold}>
        <summary className={panel.summaryLine}>Models, placements, providers, threads, sizes</summary>
        <DesignAxes design={design} />
      </details>
      <details className={styles.fold}>
        <summary className={panel.summaryLine}>Repetitions, order and time</summary>
        <ProtocolFields design={design} />
      </details>
      <div className={panel.buttons}>
        <Button onClick={() => saveFile('plan.json', serialiseDesign(design), 'application/json')}>
          Export the plan
        </Button>
      </div>
    </div>
  );
}

/** What the figures rest on, and what is not among them. */
function Details({ design, planned }: { readonly design: StudyDesign; readonly planned: PlannedStudy }) {
  const { cells, beyondBudget, bases, preparations, strategies } = planned;
  const isTrying = useLab((lab) => lab.designTrying);
  const meant = cells.filter(({ cell }) => isMeantFor(cell.recipe, cell.model));
  const of = (kind: string) => meant.filter(({ state }) => state.kind === kind).length;
  const parts = [
    ...(of('excluded') > 0 ? [`${of('excluded')} excluded`] : []),
    ...(of('impossible') > 0 ? [`${of('impossible')} impossible`] : []),
    ...(beyondBudget > 0 ? [`${beyondBudget} beyond the time you set`] : []),
  ];
  return (
    <p className={`${panel.dim} ${panel.small}`}>
      {meant.length} cells{parts.length > 0 && `, of these ${parts.join(', ')}`}.{' '}
      {strategies.length > 0 && `${likelyText(planned.likelyMs)} `}
      {isTrying
        ? 'Trying how fast the model runs here…'
        : bases.map((each) => basisText(each.basis, each.strategies)).join(' ')}
      {preparations.length > 0 &&
        ` Among it, once: ${preparations.map(({ what, ms }) => `${what}, about ${durationText(ms)}`).join('; ')}.`}
      {design.order === 'information' && ' Those that tell most come first.'}
    </p>
  );
}

function ImportLine({ onImported }: { readonly onImported: () => void }) {
  return (
    <p className={styles.import}>
      <FileButton
        look="link"
        accept=".json,application/json"
        onFiles={async ([file]) => {
          if (file) await importDesign(await file.text());
          onImported();
        }}
      >
        Import a plan
      </FileButton>{' '}
      <span className={`${panel.dim} ${panel.small}`}>made here or on another device</span>
    </p>
  );
}

function usePlanned(): PlannedStudy | null {
  const design = useLab((lab) => lab.design);
  const designModels = useLab((lab) => lab.designModels);
  const data = useLab((lab) => lab.data);
  const environment = useLab((lab) => lab.environment);
  const trials = useLab((lab) => lab.trials);
  const profiles = useLab((lab) => lab.profiles);
  const calibrations = useLab((lab) => lab.calibrations);
  const formFigures = useLab((lab) => lab.formFigures);
  const designSpeeds = useLab((lab) => lab.designSpeeds);
  return useMemo(
    () =>
      plannedStudyOf({
        ...useLab.getState(),
        design,
        designModels,
        data,
        environment,
        trials,
        profiles,
        calibrations,
        formFigures,
        designSpeeds,
      }),
    [design, designModels, data, environment, trials, profiles, calibrations, formFigures, designSpeeds],
  );
}
