import { formatBytes, formatCount } from '../base/units.ts';
import { chooseThreads } from '../clients/capabilities.ts';
import { Chip, IconButton } from '../panels/ui/controls.tsx';
import { DownIcon, Logo, MoonIcon, SunIcon } from '../panels/ui/icons.tsx';
import { useLab } from '../store/lab.ts';
import styles from './Header.module.css';
import { useIsDark } from './theme.ts';
import { useVariantNumbers } from './use-variant-numbers.ts';

export function Header({ compact }: { readonly compact: boolean }) {
  const model = useLab((lab) => lab.model);
  const opening = useLab((lab) => lab.openingModel);
  const openDialog = useLab((lab) => lab.openDialog);
  const variant = useVariantNumbers(model?.view);
  const modelName = model?.name ?? opening?.what ?? 'Open a model';
  if (compact) {
    return (
      <header className={styles.header}>
        <Logo />
        <h1 className="visually-hidden">Paretoscope</h1>
        <button type="button" className={styles.model} onClick={() => openDialog('model')}>
          <strong>{modelName}</strong>
          <DownIcon />
        </button>
        <span className={styles.space} />
        <DeviceChip compact />
        <ThemeButton />
      </header>
    );
  }
  return (
    <header className={styles.header}>
      <div className={styles.brand}>
        <Logo />
        <h1>Paretoscope</h1>
      </div>
      <Chip onClick={() => openDialog('model')} aria-label={`Model: ${modelName}. Open another`}>
        <strong>{modelName}</strong>
        {model && (
          <span className={styles.quiet}>
            {variant?.macs ??
              `${formatBytes(model.view.hollow ? model.view.totals.weightBytes : model.view.fileBytes)} · ${formatCount(model.view.totals.params)}`}
            {model.view.hollow && ' · random weights'}
          </span>
        )}
        <DownIcon />
      </Chip>
      <DataChip />
      <span className={styles.space} />
      <DeviceChip compact={false} />
      <ThemeButton />
    </header>
  );
}

function DataChip() {
  const dataset = useLab((lab) => lab.data?.dataset);
  const opening = useLab((lab) => lab.openingData);
  const openDialog = useLab((lab) => lab.openDialog);
  const name = opening?.what ?? dataset?.name ?? 'Open images';
  const labelled = dataset?.items.some((item) => item.label !== null);
  return (
    <Chip onClick={() => openDialog('data')} aria-label={`Images: ${name}. Look at them or open others`}>
      <strong>{name}</strong>
      {dataset && (
        <span className={styles.quiet}>
          {dataset.items.length} {dataset.masks ? 'with masks' : labelled ? 'labelled' : 'unlabelled'}
        </span>
      )}
      <DownIcon />
    </Chip>
  );
}

function DeviceChip({ compact }: { readonly compact: boolean }) {
  const environment = useLab((lab) => lab.environment);
  const openDialog = useLab((lab) => lab.openDialog);
  const threads = environment ? chooseThreads(environment) : 1;
  const parts = environment
    ? [
        `wasm ${threads === 1 ? '1 thread' : `${threads} threads`}`,
        ...(compact
          ? []
          : [
              environment.webgpu.available ? 'WebGPU' : 'no WebGPU',
              environment.crossOriginIsolated ? 'isolated' : 'not isolated',
              `${Math.round(environment.timerResolutionUs)} µs timer`,
            ]),
      ]
    : ['looking at this device'];
  return (
    <Chip onClick={() => openDialog('device')} aria-label={`This device: ${parts.join(', ')}`}>
      <span className={styles.dot} data-limited={environment !== null && !environment.crossOriginIsolated} />
      <span className={styles.quiet}>{parts.join(' · ')}</span>
    </Chip>
  );
}

function ThemeButton() {
  const isDark = useIsDark();
  const setTheme = useLab((lab) => lab.setTheme);
  return (
    <IconButton
      label={isDark ? 'Switch to light' : 'Switch to dark'}
      onClick={() => setTheme(isDark ? 'light' : 'dark')}
    >
      {isDark ? <SunIcon /> : <MoonIcon />}
    </IconButton>
  );
}
