import { useSize } from '../../charts/use-size.ts';
import type { HistogramPair } from '../../study/quality/compared.ts';
import type { ValueRange } from '../../transforms/quantize/quantization.ts';
import panel from '../panel.module.css';
import styles from './Quality.module.css';

interface HistogramsProps {
  readonly title: string;
  readonly pair: HistogramPair;
  /** What the integers can hold; null: nothing limits them. */
  readonly range: ValueRange | null;
}

/** Until it is laid out. */
const USUAL_WIDTH = 600;
const HEIGHT = 190;
const TOP = 14;
const BOTTOM = HEIGHT - 22;

/** The same numbers before and after, one over the other; heights are logarithms of the counts. */
export function Histograms({ title, pair, range }: HistogramsProps) {
  const { edges, before, after, notFinite } = pair;
  const [svg, size] = useSize<SVGSVGElement>();
  const width = size?.width ?? USUAL_WIDTH;
  const low = Math.min(edges[0] ?? 0, range?.low ?? Infinity);
  const high = Math.max(edges.at(-1) ?? 1, range?.high ?? -Infinity);
  const highest = Math.log1p(Math.max(1, ...before, ...after));
  const x = (value: number): number => ((value - low) / (high - low || 1)) * width;
  const y = (count: number): number => BOTTOM - (Math.log1p(count) / highest) * (BOTTOM - TOP);
  const outline = (counts: Float64Array): string => {
    const steps = [...counts].map((count, bin) => `V${y(count)}H${x(edges[bin + 1] ?? high)}`);
    return `M${x(edges[0] ?? 0)} ${BOTTOM}${steps.join('')}V${BOTTOM}`;
  };
  const text = (value: number): string => Number(value.toPrecision(3)).toString();
  const limits = range ? [range.low, range.high] : [];
  return (
    <figure className={styles.histogram}>
      <figcaption className={styles.legend}>
        <strong className={panel.wrapAnywhere}>{title}</strong>
        <span data-mark="before">before</span>
        <span data-mark="after">after</span>
        {range && <span data-mark="range">what 8 bits hold</span>}
      </figcaption>
      <svg
        ref={svg}
        height={HEIGHT}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        role="img"
        aria-label={`${title}: histograms before and after, from ${text(low)} to ${text(high)}${
          range ? `; 8 bits hold ${text(range.low)} to ${text(range.high)}` : ''
        }`}
      >
        <path d={`${outline(before)}Z`} className={styles.before} />
        <path d={outline(after)} className={styles.after} />
        {limits.map((limit) => (
          <line key={limit} x1={x(limit)} x2={x(limit)} y1={TOP - 8} y2={BOTTOM} className={styles.limit} />
        ))}
        <line x1={0} x2={width} y1={BOTTOM} y2={BOTTOM} className={styles.axis} />
        <text x={0} y={HEIGHT - 5}>
          {text(low)}
        </text>
        {low < 0 && high > 0 && (
          <text x={x(0)} y={HEIGHT - 5} textAnchor="middle">
            0
          </text>
        )}
        <text x={width} y={HEIGHT - 5} textAnchor="end">
          {text(high)}
        </text>
      </svg>
      <p className={`${panel.small} ${panel.dim}`}>
        Heights are logarithms of how many numbers there are.
        {range && ` 8 bits hold ${text(range.low)} to ${text(range.high)}.`}
        {notFinite > 0 && ` ${notFinite} numbers are not finite and are in no bar.`}
      </p>
    </figure>
  );
}
