import { useState } from 'react';
import { formatMs } from '../../base/units.ts';
import { chooseThreads } from '../../clients/capabilities.ts';
import { useLab } from '../../store/lab.ts';
import {
  figureSentences,
  figuresFor,
  type FormFigures,
  relativeTime,
  spreadOf,
} from '../../study/forms/form-figures.ts';
import { FORMS } from '../../study/forms/forms.ts';
import { LAYER_KINDS, type LayerKind } from '../../study/forms/layer-kinds.ts';
import { timedReason } from '../../study/forms/model-times.ts';
import type { Environment } from '../../study/trial.ts';
import panel from '../panel.module.css';
import { Button, classes, ProgressBar, SelectField } from '../ui/controls.tsx';
import styles from './FormsCard.module.css';

/** What layers take in every form here, and what follows. */
export function FormsCard({ environment }: { readonly environment: Environment }) {
  const settings = useLab((lab) => lab.settings);
  const all = useLab((lab) => lab.formFigures);
  const [provider, setProvider] = useState<'wasm' | 'webgpu'>(
    settings.provider === 'webgpu' ? 'webgpu' : 'wasm',
  );
  const threads = settings.threads === 'auto' ? chooseThreads(environment) : settings.threads;
  const figures = figuresFor(all, { environment, provider, threads });
  return (
    <section className={classes(panel.card, panel.stack, styles.card)} aria-label="Which form is fast here">
      <strong>Which form is fast here</strong>
      {environment.webgpu.available && (
        <SelectField
          title="Runs on"
          value={provider}
          options={[
            { value: 'wasm', label: threads === 1 ? 'wasm, 1 thread' : `wasm, ${threads} threads` },
            { value: 'webgpu', label: 'WebGPU' },
          ]}
          onChange={setProvider}
        />
      )}
      {figures === null ? (
        <p className={`${panel.dim} ${panel.small}`}>
          Layers of vision models are timed in every form, in at most a minute; the form &ldquo;auto&rdquo; of
          static int8 then means the fastest.
        </p>
      ) : (
        <Figures figures={figures} />
      )}
      <Compare isAgain={figures !== null} provider={provider} threads={threads} />
    </section>
  );
}

function Compare({
  isAgain,
  ...place
}: {
  readonly isAgain: boolean;
  readonly provider: 'wasm' | 'webgpu';
  readonly threads: number;
}) {
  const probe = useLab((lab) => lab.formProbe);
  const isRunning = useLab((lab) => lab.run !== null || lab.isProfiling || lab.explaining !== null);
  const compareForms = useLab((lab) => lab.compareForms);
  const cancel = useLab((lab) => lab.cancelFormWork);
  if (probe) {
    return (
      <>
        <ProgressBar share={probe.share} label="Comparing forms" />
        <Button onClick={cancel}>Cancel</Button>
      </>
    );
  }
  return (
    <Button
      look={isAgain ? 'plain' : 'primary'}
      disabled={isRunning}
      onClick={() => void compareForms(place)}
    >
      {isAgain ? 'Compare again' : 'Compare the forms'}
    </Button>
  );
}

const COLUMNS: Readonly<Record<LayerKind, string>> = {
  conv: 'Conv 3×3',
  pointwise: 'Conv 1×1',
  depthwise: 'depthwise',
  matmul: 'MatMul',
};

function Figures({ figures }: { readonly figures: FormFigures }) {
  const spread = spreadOf(figures);
  const open = useLab((lab) => lab.model?.view);
  const ofModel = (figures.models ?? [])
    .filter(({ modelId }) => modelId === open?.modelId)
    .map((times) => `${open?.fileName}: ${timedReason(times)}`);
  const { runs } = figures.figures.flatMap(({ times }) => ('runs' in times ? [times] : []))[0] ?? { runs: 0 };
  return (
    <>
      {[...new Set([...ofModel, ...figureSentences(figures)])].map((sentence) => (
        <p key={sentence} className={panel.small}>
          {sentence}
        </p>
      ))}
      <table className={styles.table}>
        <caption className={`${panel.dim} ${panel.small}`}>
          Time in units of float32&rsquo;s: below 1 is faster. Medians of {runs} runs, of which the middle
          half spans {Math.max(1, Math.round(100 * spread))} % or less.
        </caption>
        <thead>
          <tr>
            <td />
            {LAYER_KINDS.map(({ kind }) => (
              <th key={kind} scope="col">
                {COLUMNS[kind]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {FORMS.map(({ id, label }) => (
            <tr key={id}>
              <th scope="row">{label}</th>
              {LAYER_KINDS.map(({ kind }) => {
                const ratio = relativeTime(figures, kind, id);
                return (
                  <td key={kind} data-speed={ratio === null || id === 'float32' ? undefined : speedOf(ratio)}>
                    {ratio === null ? '–' : id === 'float32' ? floatText(figures, kind) : ratio.toFixed(2)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function floatText({ figures }: FormFigures, kind: LayerKind): string {
  const float = figures.find(({ layer, form }) => layer === kind && form === 'float32')?.times;
  return float && 'medianMs' in float ? formatMs(float.medianMs) : '–';
}

/** In words that the colours follow. */
function speedOf(ratio: number): 'faster' | 'equal' | 'slower' | 'much-slower' {
  if (ratio < 0.9) return 'faster';
  if (ratio < 1.1) return 'equal';
  return ratio < 2 ? 'slower' : 'much-slower';
}
