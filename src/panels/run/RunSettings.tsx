import { useLab } from '../../store/lab.ts';
import { strategyPlace } from '../../store/study-slice.ts';
import { protocolSentence } from '../../study/measuring/protocol-text.ts';
import { PROTOCOLS } from '../../study/plan.ts';
import type { Environment, Provider } from '../../study/trial.ts';
import panel from '../panel.module.css';
import { SelectField } from '../ui/controls.tsx';
import { Section } from '../ui/Section.tsx';

/** Where and how carefully the next study measures. */
export function RunSettings() {
  const settings = useLab((lab) => lab.settings);
  const change = useLab((lab) => lab.changeSettings);
  const environment = useLab((lab) => lab.environment);
  const macs = useLab((lab) => lab.model?.view.totals.macs ?? 0);
  if (!environment) return null;
  const automatic = strategyPlace({ ...settings, provider: 'auto', threads: 'auto' }, environment, macs);
  return (
    <Section title="How to measure">
      <SelectField
        title="Run on"
        value={settings.provider}
        options={providerOptions(environment, automatic.provider)}
        onChange={(provider) => change({ provider })}
      />
      <SelectField
        title="CPU threads"
        value={String(settings.threads)}
        options={threadOptions(environment, automatic.threads)}
        onChange={(threads) => change({ threads: threads === 'auto' ? 'auto' : Number(threads) })}
      />
      <SelectField
        title="Protocol"
        value={settings.protocol}
        options={[
          { value: 'quick', label: 'quick' },
          { value: 'standard', label: 'standard' },
        ]}
        onChange={(protocol) => change({ protocol })}
      />
      <p className={`${panel.dim} ${panel.small}`}>{protocolSentence(PROTOCOLS[settings.protocol])}</p>
    </Section>
  );
}

function providerOptions(environment: Environment, automatic: Provider) {
  const { webgpu, webnn } = environment;
  return [
    { value: 'auto' as const, label: `automatic (${automatic})` },
    { value: 'wasm' as const, label: 'wasm, on the CPU' },
    {
      value: 'webgpu' as const,
      label: webgpu.available ? `WebGPU${webgpu.isFallback ? ' (software, slow)' : ''}` : 'WebGPU: not here',
      disabled: !webgpu.available,
    },
    {
      value: 'webnn' as const,
      label: webnn.available ? 'WebNN' : 'WebNN: not here',
      disabled: !webnn.available,
    },
  ];
}

function threadOptions(environment: Environment, automatic: number) {
  const most = environment.wasm.threads ? Math.max(1, environment.hardwareConcurrency) : 1;
  const counts = Array.from({ length: Math.min(most, 16) }, (_, index) => String(index + 1));
  return [
    { value: 'auto', label: `automatic (${automatic})` },
    ...counts.map((count) => ({ value: count, label: count })),
  ];
}
