import { createElement, type KeyboardEvent, memo, type PointerEvent, type ReactNode, useState } from 'react';
import type { Drawing, Mark, Tip } from '../study/plots/drawing.ts';
import { type Palette, svgElement } from '../study/plots/svg-elements.ts';
import styles from './DrawingView.module.css';

/** The page's colours, which follow its theme. */
const pagePalette: Palette = {
  ink: 'var(--ink)',
  dim: 'var(--dim)',
  line: 'var(--line)',
  paper: 'var(--panel)',
  accent: 'var(--accent)',
  faded: 'color-mix(in srgb, var(--dim) 60%, var(--panel))',
  tint: 'color-mix(in srgb, var(--accent) 22%, var(--panel))',
  exit: 'var(--exit)',
  cut: 'var(--cut)',
  good: 'var(--good)',
  bad: 'var(--bad)',
  warn: 'var(--warn)',
};

/**
 * A picture on the page. Tapping or pointing at a part tells what it is; so do the arrow keys, part by part.
 * @param label what it shows, for those who do not see it
 * @param finding what comes out of it, as a sentence
 */
export function DrawingView({
  drawing,
  label,
  finding = '',
  children,
}: {
  readonly drawing: Drawing;
  readonly label: string;
  readonly finding?: string;
  /** Lies over the picture, in its pixels. */
  readonly children?: ReactNode;
}) {
  const [at, setAt] = useState<number | null>(null);
  const { tips } = drawing;
  const tip = at === null ? undefined : tips[at];
  const point = (event: PointerEvent<SVGSVGElement>) => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    setAt(tipAt(tips, event.clientX - left, event.clientY - top));
  };
  const step = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowRight' || event.key === 'ArrowDown' ? 1 : -1;
    if (!event.key.startsWith('Arrow') || tips.length === 0) return;
    event.preventDefault();
    setAt(((at ?? (by === 1 ? -1 : 0)) + by + tips.length) % tips.length);
  };
  return (
    <>
      <div
        className={styles.scroll}
        role="application"
        aria-roledescription="picture"
        aria-label={`${[`${label}.`, finding].join(' ').trim()} Arrow keys tell its parts one by one.`}
        tabIndex={0}
        onKeyDown={step}
      >
        <svg
          width={drawing.width}
          height={drawing.height}
          className={styles.drawing}
          aria-hidden="true"
          onPointerMove={(event) => event.pointerType === 'mouse' && point(event)}
          onPointerDown={point}
          onPointerLeave={(event) => event.pointerType === 'mouse' && setAt(null)}
        >
          <Marks drawing={drawing} />
          {tip?.lit?.map((mark, index) => markElement(mark, index))}
          {tip && !tip.lit && (
            <rect
              className={styles.lit}
              x={tip.box.left}
              y={tip.box.top}
              width={Math.max(1, tip.box.right - tip.box.left)}
              height={Math.max(1, tip.box.bottom - tip.box.top)}
            />
          )}
        </svg>
        {children}
      </div>
      <p className={styles.tip} aria-live="polite">
        {tip?.text ?? (tips.length > 0 ? 'Tap or point at a part to see its numbers.' : '')}
      </p>
    </>
  );
}

/** Drawn anew only when the picture changes, not whenever another part is pointed at. */
const Marks = memo(function Marks({ drawing }: { readonly drawing: Drawing }) {
  return drawing.marks.map(markElement);
});

function markElement(mark: Mark, index: number): ReactNode {
  const { tag, attributes, text } = svgElement(mark, pagePalette);
  return createElement(tag, { key: index, ...attributes }, text);
}

/** The smallest part under a point, as parts may lie on others. */
function tipAt(tips: readonly Tip[], x: number, y: number): number | null {
  let [best, bestArea] = [null as number | null, Number.POSITIVE_INFINITY];
  tips.forEach(({ box, also = [] }, at) => {
    for (const { left, right, top, bottom } of [box, ...also]) {
      const area = (right - left) * (bottom - top);
      if (x >= left && x <= right && y >= top && y <= bottom && area < bestArea)
        [best, bestArea] = [at, area];
    }
  });
  return best;
}
