import { useLab } from '../../../store/lab.ts';
import type { StudyDesign } from '../../../study/design/design.ts';
import { MOST } from '../../../study/design/read-design.ts';
import type { Protocol } from '../../../study/trial.ts';
import { NumberField, SelectField } from '../../ui/controls.tsx';
import styles from './Design.module.css';

/** How often a plan measures, in which order, and how long it may take. */
export function ProtocolFields({ design }: { readonly design: StudyDesign }) {
  const changeDesign = useLab((lab) => lab.changeDesign);
  const total = useLab((lab) => lab.data?.dataset.items.length ?? 0);
  const { protocol, order, budgetMs } = design;
  const change = (fields: Partial<Protocol>) =>
    changeDesign({ protocol: { ...protocol, ...fields, name: 'custom' } });
  const changeImages = (count: number) => {
    const { images: _before, ...others } = protocol;
    const images = count < total ? { images: { kind: 'largest', count } as const } : {};
    changeDesign({ protocol: { ...others, ...images, name: 'custom' } });
  };
  return (
    <div className={styles.fields}>
      <NumberField
        title="Rounds"
        min={1}
        max={MOST.rounds}
        value={protocol.rounds}
        onChange={(rounds) => change({ rounds })}
      />
      {protocol.sustained && (
        <NumberField
          title="Minutes of each strategy"
          min={0.1}
          step="any"
          value={protocol.sustained.durationMs / 60_000}
          onChange={(minutes) => change({ sustained: { durationMs: minutes * 60_000 } })}
        />
      )}
      {protocol.perRound === 'all-images' ? (
        <NumberField
          title="Images, the largest files"
          min={1}
          max={total}
          value={Math.min(total, protocol.images?.count ?? total)}
          onChange={changeImages}
        />
      ) : (
        <NumberField
          title="Inferences in a round"
          min={1}
          max={MOST.samplesPerRound}
          value={protocol.samplesPerRound}
          onChange={(samplesPerRound) => change({ samplesPerRound })}
        />
      )}
      <NumberField
        title="Warm-up runs"
        min={0}
        max={MOST.warmUpRuns}
        value={protocol.warmUpRuns}
        onChange={(warmUpRuns) => change({ warmUpRuns })}
      />
      <NumberField
        title="Images for accuracy"
        min={1}
        max={total}
        value={Math.min(total, protocol.accuracyImages ?? total)}
        onChange={(count) => change({ accuracyImages: count < total ? count : null })}
      />
      <NumberField
        title="Accuracy passes"
        min={1}
        max={MOST.accuracyRepetitions}
        value={protocol.accuracyRepetitions ?? 1}
        onChange={(accuracyRepetitions) => change({ accuracyRepetitions })}
      />
      <SelectField
        title="Order of the cells"
        value={order}
        options={[
          { value: 'as-listed', label: 'as listed' },
          { value: 'information', label: 'what tells most first' },
        ]}
        onChange={(next) => changeDesign({ order: next })}
      />
      <NumberField
        title="At most so many minutes (0: no limit)"
        min={0}
        step="any"
        value={(budgetMs ?? 0) / 60_000}
        onChange={(minutes) => changeDesign({ budgetMs: minutes > 0 ? minutes * 60_000 : null })}
      />
    </div>
  );
}
