import { useReactFlow } from '@xyflow/react';
import type { ReactNode } from 'react';
import { formatCost } from './boxes.ts';
import type { ColourMode, GraphCanvasProps, MeasuredColour, NodeCosts } from './props.ts';
import styles from './Tools.module.css';

const COLOUR_MODES: readonly { readonly mode: ColourMode; readonly name: string }[] = [
  { mode: 'macs', name: 'MACs' },
  { mode: 'params', name: 'parameters' },
  { mode: 'activationBytes', name: 'activation bytes' },
  { mode: 'crossingBytes', name: 'bytes crossing' },
  { mode: 'ms', name: 'measured ms' },
  { mode: 'reach', name: 'images reaching' },
  { mode: 'error', name: 'error of the variant' },
  { mode: 'sensitivity', name: 'sensitivity to few bits' },
  { mode: 'pruning', name: 'sensitivity to pruning' },
];

interface ToolbarChipsProps {
  readonly colour: ColourMode;
  readonly onColour: (mode: ColourMode) => void;
  readonly offered: readonly ColourMode[];
  readonly shown: number;
  readonly total: number;
  readonly unfolded: boolean;
  readonly onFold: () => void;
}

/** What the graph shows: colours and folding. */
export function ToolbarChips({
  colour,
  onColour,
  offered,
  shown,
  total,
  unfolded,
  onFold,
}: ToolbarChipsProps) {
  return (
    <>
      <label className={styles.select}>
        <span className={styles.selectName}>colour:</span>
        <select value={colour} onChange={(event) => onColour(event.target.value as ColourMode)}>
          {COLOUR_MODES.filter(({ mode }) => offered.includes(mode)).map(({ mode, name }) => (
            <option key={mode} value={mode}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <button type="button" className={styles.chip} aria-expanded={unfolded} onClick={onFold}>
        {unfolded ? 'fold all' : 'unfold all'}
        <span className={styles.dim}>
          {shown} of {total}
        </span>
      </button>
    </>
  );
}

interface ToolSelectProps {
  readonly name: string;
  readonly value: string;
  readonly options: readonly { readonly value: string; readonly label: string }[];
  readonly onChange: (value: string) => void;
}

/** A choice in the toolbar. */
export function ToolSelect({ name, value, options, onChange }: ToolSelectProps) {
  return (
    <label className={styles.select}>
      <span className={styles.selectName}>{name}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Whether a mode has numbers to show. */
export function isKnown(mode: ColourMode, nodeCosts: NodeCosts): boolean {
  switch (mode) {
    case 'ms':
    case 'reach':
    case 'error':
    case 'sensitivity':
    case 'pruning':
      return nodeCosts[mode] !== undefined;
    default:
      return true;
  }
}

/** The modes that have numbers or tell how to get them. */
export function offeredColours(
  nodeCosts: NodeCosts,
  help: GraphCanvasProps['costHelp'] = {},
): readonly ColourMode[] {
  return COLOUR_MODES.map(({ mode }) => mode).filter(
    (mode) => isKnown(mode, nodeCosts) || help[mode as MeasuredColour] !== undefined,
  );
}

interface LegendProps {
  readonly colour: ColourMode;
  readonly highest: number;
  readonly compact: boolean;
  /** Stands there instead. */
  readonly help: ReactNode;
  /** What the bars along the graph are about: `mobile → edge`; undefined: there are none. */
  readonly chart: string | undefined;
  readonly isGuess: boolean;
}

/** The heat scale; a square-root scale, so its middle is a quarter of the highest cost. */
export function Legend({ colour, highest, compact, help, chart, isGuess }: LegendProps) {
  const name = COLOUR_MODES.find(({ mode }) => mode === colour)?.name ?? '';
  if (help) {
    return (
      <div className={styles.legend} data-compact={compact || undefined} data-help role="status">
        {help}
      </div>
    );
  }
  return (
    <div className={styles.legend} data-compact={compact || undefined}>
      {chart !== undefined && (
        <span className={styles.chartLegend}>
          {isGuess ? 'guessed' : 'predicted'} at every cut, {chart}
        </span>
      )}
      <span>{colour === 'crossingBytes' ? 'bytes crossing after each box' : `${name} per box`}</span>
      <div className={styles.legendBar} />
      <div className={styles.legendTicks}>
        <span>0</span>
        <span>{formatCost(highest / 4, colour)}</span>
        <span>{formatCost(highest, colour)}</span>
      </div>
    </div>
  );
}

/** Zoom in, out, fit: for those without a wheel or two fingers. */
export function ZoomButtons({ onFit }: { readonly onFit: () => void }) {
  const { zoomIn, zoomOut } = useReactFlow();
  return (
    <div className={styles.zoomButtons}>
      <button type="button" aria-label="Zoom in" onClick={() => void zoomIn()}>
        +
      </button>
      <button type="button" aria-label="Zoom out" onClick={() => void zoomOut()}>
        −
      </button>
      <button type="button" aria-label="Show the whole graph" onClick={onFit}>
        <span aria-hidden="true" className={styles.fitIcon} />
      </button>
    </div>
  );
}
