import { useMemo } from 'react';
import { AxisBrushes } from '../../../charts/AxisBrushes.tsx';
import { useLab } from '../../../store/lab.ts';
import { limitsOf } from '../../../store/ui-slice.ts';
import { type AxisId, formatMetric } from '../../../study/metrics.ts';
import {
  axisBox,
  type Limits,
  type ParallelAxis,
  parallelAxes,
  shareOnAxis,
  valueOnAxis,
} from '../../../study/plots/parallel.ts';
import type { Trial } from '../../../study/trial.ts';
import panel from '../../panel.module.css';
import { Button } from '../../ui/controls.tsx';
import { Slider } from '../../ui/Slider.tsx';

interface BrushesProps {
  readonly trials: readonly Trial[];
}

/** Brushing with a pointer, over the drawn axes. */
export function ParallelBrushes({ trials, width }: BrushesProps & { readonly width: number }) {
  const limits = useLab(limitsOf);
  const setLimits = useLab((lab) => lab.setLimits);
  const axes = useMemo(
    () =>
      parallelAxes(trials).map((parallel, at) => ({
        id: parallel.axis.id,
        label: parallel.axis.label,
        box: axisBox(at, width),
        parallel,
      })),
    [trials, width],
  );
  return (
    <AxisBrushes
      axes={axes}
      onBrush={({ id, parallel }, part) => setLimits(withRange(limits, id, part && rangeOf(parallel, part)))}
    />
  );
}

/** The same with sliders, for keys and exact values: each keeps what is at least as good. */
export function LimitSliders({ trials }: BrushesProps) {
  const limits = useLab(limitsOf);
  const setLimits = useLab((lab) => lab.setLimits);
  const axes = useMemo(() => parallelAxes(trials), [trials]);
  return (
    <details>
      <summary className={panel.summaryLine}>Limits by slider</summary>
      {axes.map((parallel) => {
        const { axis } = parallel;
        const range = limits.get(axis.id);
        const worst = range && (axis.better === 'lower' ? range[1] : range[0]);
        const share = worst === undefined ? 0 : Math.round(100 * shareOnAxis(parallel, worst));
        return (
          <Slider
            key={axis.id}
            title={`${axis.label} ${axis.better === 'lower' ? 'at most' : 'at least'}`}
            value={share}
            min={0}
            max={100}
            step={1}
            format={(percent) => formatMetric(axis, valueOnAxis(parallel, percent / 100))}
            onChange={(percent) =>
              setLimits(
                withRange(limits, axis.id, percent === 0 ? null : rangeOf(parallel, [percent / 100, 1])),
              )
            }
          />
        );
      })}
      {limits.size > 0 && <Button onClick={() => setLimits(new Map())}>Take all limits away</Button>}
    </details>
  );
}

function withRange(limits: Limits, id: AxisId, range: readonly [number, number] | null): Limits {
  const others = [...limits].filter(([other]) => other !== id);
  return new Map(range === null ? others : [...others, [id, range] as const]);
}

/** The values between two places of an axis, the least first. */
function rangeOf(axis: ParallelAxis, [from, to]: readonly [number, number]): readonly [number, number] {
  const [a, b] = [valueOnAxis(axis, from), valueOnAxis(axis, to)];
  return a < b ? [a, b] : [b, a];
}
