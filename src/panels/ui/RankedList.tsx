import { type ReactNode, useState } from 'react';
import type { ColourMode } from '../../canvas/props.ts';
import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';
import { Button } from './controls.tsx';

interface RankedListProps<T> {
  /** What comes first matters most. */
  readonly ranked: readonly T[];
  readonly label: string;
  readonly className: string | undefined;
  /** The graph's colour that shows the same. */
  readonly colour: ColourMode;
  /** One `li`. */
  readonly row: (each: T) => ReactNode;
  /** More buttons below. */
  readonly children?: ReactNode;
}

const FIRST_ROWS = 8;

/** What a scan found: the first rows, the others on demand, and the way to see it as colours on the graph. */
export function RankedList<T>({ ranked, label, className, colour, row, children }: RankedListProps<T>) {
  const [isWhole, setWhole] = useState(false);
  const setColour = useLab((lab) => lab.setColour);
  const showTab = useLab((lab) => lab.showTab);
  return (
    <>
      <ol className={className} aria-label={label}>
        {(isWhole ? ranked : ranked.slice(0, FIRST_ROWS)).map(row)}
      </ol>
      <div className={panel.buttons}>
        {ranked.length > FIRST_ROWS && (
          <Button look="link" onClick={() => setWhole(!isWhole)}>
            {isWhole ? 'Show fewer' : `Show all ${ranked.length}`}
          </Button>
        )}
        <Button
          look="link"
          onClick={() => {
            setColour(colour);
            showTab('graph');
          }}
        >
          Show as colours
        </Button>
        {children}
      </div>
    </>
  );
}
