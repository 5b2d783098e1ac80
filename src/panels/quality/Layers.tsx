import { useEffect, useMemo, useRef, useState } from 'react';
import { variantErrorsOf, type Watched } from '../../store/quality-slice.ts';
import { useLab } from '../../store/lab.ts';
import type { Compared } from '../../study/quality/compared.ts';
import { errorsByNode, type NodeErrors } from '../../study/quality/node-errors.ts';
import { layersCsv } from '../../study/quality/quality-csv.ts';
import { recipeToCompare } from '../../study/quality/recipe-to-compare.ts';
import { signalToNoiseDb } from '../../study/quality/signal-noise.ts';
import type { VariantErrors } from '../../study/quality/variant-errors.ts';
import type { Trial } from '../../study/trial.ts';
import panel from '../panel.module.css';
import { Button, ProgressBar, SelectField } from '../ui/controls.tsx';
import { FailureText } from '../ui/FailureText.tsx';
import { saveFile } from '../ui/save-file.ts';
import { Histograms } from './Histograms.tsx';
import styles from './Quality.module.css';

const imageCounts = ['8', '32', '128'] as const;

/** How far off the variant is at each layer, worst first, and what a value holds before and after. */
export function Layers({ trial, onClose }: { readonly trial: Trial; readonly onClose: () => void }) {
  const { recipe, modelId } = trial.strategy;
  const view = useLab((lab) => (lab.model?.view.modelId === modelId ? lab.model.view : null));
  const errors = useLab((lab) => variantErrorsOf(lab, recipe));
  const work = useLab((lab) => lab.qualityWork);
  const problem = useLab((lab) => lab.qualityProblem);
  const calibrating = useLab((lab) => lab.calibrating);
  const compareVariant = useLab((lab) => lab.compareVariant);
  const cancel = useLab((lab) => lab.cancelComparison);
  const [images, setImages] = useState<(typeof imageCounts)[number]>('32');
  const nodes = useMemo(
    () => (view && errors ? errorsByNode(view, errors.values, errors.weights) : []),
    [view, errors],
  );
  if (!view) return <p>The model of this trial, {trial.modelName}, is not open.</p>;
  if (recipeToCompare(recipe).length === 0) {
    return <p>This strategy computes what the unchanged model computes: there is nothing to compare.</p>;
  }
  const what = calibrating ? 'Calibrating' : 'Comparing';
  return (
    <div className={panel.stack}>
      <p className={panel.dim}>
        The variant and the unchanged model run side by side on the CPU; what they compute is compared value
        by value. Cuts and exits are left out.
      </p>
      <SelectField
        title="Images"
        value={images}
        options={imageCounts.map((value) => ({ value, label: value }))}
        onChange={setImages}
      />
      {work ? (
        <div className={panel.stack}>
          <ProgressBar share={work.total === null ? null : work.done / work.total} label={what} />
          <p className={panel.small} role="status">
            {what} {work.total !== null && `: ${work.done} of ${work.total} images`}
          </p>
          <Button onClick={cancel}>Cancel</Button>
        </div>
      ) : (
        <Button
          look={errors ? 'plain' : 'primary'}
          onClick={() => void compareVariant(trial, Number(images))}
        >
          {errors ? 'Compare again' : 'Compare the layers'}
        </Button>
      )}
      {problem && <FailureText failure={problem} />}
      {errors && <WatchedHistograms errors={errors} />}
      {errors && <LayerTable trial={trial} nodes={nodes} errors={errors} onClose={onClose} />}
    </div>
  );
}

function WatchedHistograms({ errors }: { readonly errors: VariantErrors }) {
  const watched = useLab((lab) => (lab.watched?.errors === errors ? lab.watched : null));
  const compared = watched?.compared;
  const place = useRef<HTMLDivElement>(null);
  // The number that was tapped may be far down the list.
  useEffect(() => {
    place.current?.scrollIntoView({ block: 'nearest' });
  }, [compared]);
  if (!watched || !compared?.histograms) return null;
  const { kind, name } = watched;
  return (
    <div ref={place}>
      <Histograms
        title={kind === 'value' ? `Values of ${name}` : `Weights ${name}`}
        pair={compared.histograms}
        range={compared.range}
      />
    </div>
  );
}

const orders = [
  { value: 'output', label: 'worst output first' },
  { value: 'weights', label: 'worst weights first' },
  { value: 'largest', label: 'largest error first' },
  { value: 'graph', label: 'order of the graph' },
] as const;
type Order = (typeof orders)[number]['value'];

interface LayerTableProps {
  readonly trial: Trial;
  readonly nodes: readonly NodeErrors[];
  readonly errors: VariantErrors;
  readonly onClose: () => void;
}

function LayerTable({ trial, nodes, errors, onClose }: LayerTableProps) {
  const [order, setOrder] = useState<Order>('output');
  const watched = useLab((lab) => (lab.watched?.errors === errors ? lab.watched : null));
  const watch = useLab((lab) => lab.watch);
  const setColour = useLab((lab) => lab.setColour);
  const showTab = useLab((lab) => lab.showTab);
  const sorted = useMemo(() => inOrder(nodes, order), [nodes, order]);
  const showOnGraph = () => {
    setColour('error');
    showTab('graph');
    onClose();
  };
  const cell = (watchedNow: Watched, compared: Compared | null) => (
    <td>
      {compared && (
        <button
          type="button"
          className={styles.cell}
          aria-label={`Histograms of ${watchedNow.name}: ${decibels(compared)}`}
          aria-pressed={watched?.kind === watchedNow.kind && watched.name === watchedNow.name}
          onClick={() => void watch(watchedNow, trial)}
        >
          {decibels(compared)}
        </button>
      )}
    </td>
  );
  return (
    <>
      <p className={panel.small}>
        Signal to quantization noise over {errors.images} images: 20 dB is an error of a tenth, 40 dB of a
        hundredth. Tap a number for its histograms.
      </p>
      <div className={panel.buttons}>
        <Button onClick={showOnGraph}>Show as colours on the graph</Button>
        <Button look="link" onClick={() => saveFile('layers.csv', layersCsv(nodes), 'text/csv')}>
          layers.csv
        </Button>
      </div>
      <SelectField title="Order" value={order} options={orders} onChange={setOrder} />
      <table className={styles.layers}>
        <thead>
          <tr>
            <th scope="col">Layer</th>
            <th scope="col">Output</th>
            <th scope="col">Weights</th>
            <th scope="col">Largest error</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map(({ node, output, weights: [worst] }) => (
            <tr key={node.index}>
              <th scope="row">
                {node.opType} <span className={panel.dim}>{node.name || node.outputs[0]}</span>
              </th>
              {cell({ kind: 'value', name: output?.name ?? '' }, output)}
              {cell({ kind: 'weight', name: worst?.name ?? '' }, worst ?? null)}
              <td>{output && output.errors.largest.toPrecision(2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function decibels({ errors }: Compared): string {
  if (errors.noise === 0) return 'exact';
  const db = signalToNoiseDb(errors);
  return Number.isFinite(db) ? `${db.toFixed(1)} dB` : 'not finite';
}

function inOrder(nodes: readonly NodeErrors[], order: Order): readonly NodeErrors[] {
  if (order === 'graph') return nodes;
  const goodness = ({ output, weights: [worst] }: NodeErrors): number => {
    if (order === 'largest') return output ? -output.errors.largest : Infinity;
    const compared = order === 'output' ? output : worst;
    if (!compared) return Infinity;
    const db = signalToNoiseDb(compared.errors);
    return Number.isNaN(db) ? -Infinity : db;
  };
  const keyed = nodes.map((node) => ({ node, key: goodness(node) }));
  return keyed.sort((a, b) => (a.key === b.key ? 0 : a.key - b.key)).map(({ node }) => node);
}
