import { formatBytes, formatCount } from '../../base/units.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { RANDOM_WEIGHTS_NOTE } from '../../onnx/hollow.ts';
import panel from '../panel.module.css';
import { Section } from '../ui/Section.tsx';

/** What a model is, in a dozen lines. */
export function ModelSummary({ view }: { readonly view: GraphView }) {
  const { totals } = view;
  const unknown = new Set(
    view.nodes
      .filter(({ known }) => !known)
      .map(({ opType, domain }) => [domain, opType].filter(Boolean).join('.')),
  );
  return (
    <Section title="Open now">
      <h3 className={panel.wrapAnywhere}>{view.fileName}</h3>
      {view.hollow && <p style={{ color: 'var(--warn-ink)' }}>{RANDOM_WEIGHTS_NOTE}</p>}
      <dl className={panel.facts}>
        <dt>File</dt>
        <dd>
          {formatBytes(view.fileBytes)}
          {view.hollow && `, ${formatBytes(totals.weightBytes)} when refilled`}
        </dd>
        <dt>Parameters</dt>
        <dd>
          {formatCount(totals.params)} · {formatBytes(totals.weightBytes)}
        </dd>
        <dt>MACs</dt>
        <dd>{formatCount(totals.macs)}</dd>
        <dt>Activations</dt>
        <dd>{formatBytes(totals.activationBytes)}</dd>
        <dt>Nodes</dt>
        <dd>
          {view.nodes.length}
          {totals.foldedNodes > 0 && `, ${totals.foldedNodes} of ${totals.fileNodes} folded away`}
        </dd>
        {view.exits.length > 1 && (
          <>
            <dt>Exits</dt>
            <dd>{view.exits.length}</dd>
          </>
        )}
        <dt>Opset</dt>
        <dd>{view.opsets.map(({ domain, version }) => `${domain || 'ai.onnx'} ${version}`).join(', ')}</dd>
        <dt>Made by</dt>
        <dd>{view.producer || 'not told'}</dd>
        {(['inputs', 'outputs'] as const).map((side) =>
          view[side].map((name, position) => {
            const value = view.values.get(name);
            return (
              <Fact key={`${side} ${name}`} term={position > 0 ? '' : side === 'inputs' ? 'In' : 'Out'}>
                {name}{' '}
                <span className={panel.dim}>
                  {value?.dataType} [{value?.shape?.map((dim) => dim ?? '?').join(', ') ?? '?'}]
                  {value?.counted && ` as [${value.counted.map((dim) => dim ?? '?').join(', ')}]`}
                </span>
              </Fact>
            );
          }),
        )}
      </dl>
      {unknown.size > 0 && (
        <p className={panel.problem}>
          Operators this lab does not know, passed through as they are: {[...unknown].join(', ')}
        </p>
      )}
      {view.warnings.map((warning) => (
        <p key={warning} className={panel.problem}>
          {warning}
        </p>
      ))}
    </Section>
  );
}

function Fact({ term, children }: { readonly term: string; readonly children: React.ReactNode }) {
  return (
    <>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </>
  );
}
