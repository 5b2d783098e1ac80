import { lazy, Suspense } from 'react';
import { formatBytes, formatCount, formatShare } from '../../base/units.ts';
import type { GraphView, NodeView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';
import { canTap, trainedExitsOf, withoutTap, withTap } from '../../transforms/exits/trained-placement.ts';
import { isAboutChannels } from '../../transforms/order-of-effect.ts';
import { PrecisionSelect } from '../sensitivity/PrecisionSelect.tsx';
import { Button, IconButton } from '../ui/controls.tsx';
import { CloseIcon } from '../ui/icons.tsx';
import styles from './Inspector.module.css';
import { SkipControls } from './SkipControls.tsx';

/** Loaded when a recipe prunes. */
const LayerPruning = lazy(async () => ({
  default: (await import('../recipe/LayerPruning.tsx')).LayerPruning,
}));

const ChannelsHere = lazy(async () => ({
  default: (await import('../channels/ChannelsHere.tsx')).ChannelsHere,
}));

/** Everything about the selected node, or the sums over the selected block. */
export function Inspector({ view }: { readonly view: GraphView }) {
  const selectedNode = useLab((lab) => lab.selectedNode);
  const range = useLab((lab) => lab.selectedRange);
  const selectNode = useLab((lab) => lab.selectNode);
  const selectRange = useLab((lab) => lab.selectRange);
  const isPruned = useLab((lab) => lab.recipes.present.some(({ op }) => op === 'prune'));
  const losesChannels = useLab((lab) => lab.recipes.present.some(isAboutChannels));
  const showChannels = useLab((lab) => lab.showChannels);
  const node = selectedNode === null ? undefined : view.nodes[selectedNode];
  if (!node) return null;
  const isBlock = range !== null && range.lastNode > range.firstNode;
  const nodes = isBlock ? view.nodes.slice(range.firstNode, range.lastNode + 1) : [node];
  return (
    <div className={panel.stack}>
      <div className={styles.head}>
        <h2 className={panel.wrapAnywhere}>{isBlock ? range.label : node.opType}</h2>
        <IconButton
          label="Close the details"
          onClick={() => {
            selectNode(null);
            selectRange(null);
          }}
        >
          <CloseIcon />
        </IconButton>
      </div>
      {<ExitHere view={view} node={view.nodes[isBlock ? range.lastNode : node.index] ?? node} />}
      <PrecisionSelect view={view} nodes={nodes} />
      {!losesChannels && <Button onClick={() => showChannels(null)}>Channels</Button>}
      {isPruned && (
        <Suspense fallback={null}>
          <LayerPruning view={view} nodes={nodes} />
          {losesChannels && <ChannelsHere nodes={nodes} />}
        </Suspense>
      )}
      {isBlock ? <BlockFacts view={view} nodes={nodes} /> : <NodeFacts view={view} node={node} />}
      <SkipControls
        view={view}
        firstNode={isBlock ? range.firstNode : node.index}
        lastNode={isBlock ? range.lastNode : node.index}
      />
    </div>
  );
}

/** Puts a trained exit on what this node makes, and takes it away again. */
function ExitHere({ view, node }: { readonly view: GraphView; readonly node: NodeView }) {
  const recipe = useLab((lab) => lab.recipes.present);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const value = node.outputs.find((output) => canTap(view, output));
  if (value === undefined) return null;
  const isThere = trainedExitsOf(recipe)?.at.includes(value) ?? false;
  return (
    <Button
      onClick={() => editRecipe(isThere ? withoutTap(recipe, view, value) : withTap(recipe, view, value))}
    >
      {isThere ? 'Remove the exit here' : 'Put an exit here'}
    </Button>
  );
}

function Costs({
  view,
  nodes,
}: {
  readonly view: GraphView;
  readonly nodes: readonly Pick<NodeView, 'macs' | 'params' | 'weightBytes' | 'activationBytes'>[];
}) {
  const sum = (cost: 'macs' | 'params' | 'weightBytes' | 'activationBytes') =>
    nodes.reduce((total, node) => total + node[cost], 0);
  const macs = sum('macs');
  return (
    <>
      <dt>MACs</dt>
      <dd>
        {formatCount(macs)} · {formatShare(macs / Math.max(1, view.totals.macs))}
      </dd>
      <dt>Parameters</dt>
      <dd>
        {formatCount(sum('params'))} · {formatBytes(sum('weightBytes'))}
      </dd>
      <dt>Activations</dt>
      <dd>{formatBytes(sum('activationBytes'))}</dd>
    </>
  );
}

function BlockFacts({ view, nodes }: { readonly view: GraphView; readonly nodes: readonly NodeView[] }) {
  const counts = new Map<string, number>();
  for (const { opType } of nodes) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  const first = nodes[0];
  const last = nodes.at(-1);
  return (
    <dl className={panel.facts}>
      <dt>Nodes</dt>
      <dd>{[...counts].map(([opType, count]) => (count > 1 ? `${count} ${opType}` : opType)).join(', ')}</dd>
      <Costs view={view} nodes={nodes} />
      {first?.inputs[0] && (
        <>
          <dt>From</dt>
          <dd>
            <Value view={view} name={first.inputs[0]} />
          </dd>
        </>
      )}
      {last?.outputs[0] && (
        <>
          <dt>To</dt>
          <dd>
            <Value view={view} name={last.outputs[0]} />
          </dd>
        </>
      )}
    </dl>
  );
}

function NodeFacts({ view, node }: { readonly view: GraphView; readonly node: NodeView }) {
  return (
    <>
      {node.name && <p className={`${panel.dim} ${panel.small} ${panel.wrapAnywhere}`}>{node.name}</p>}
      {!node.known && (
        <p className={styles.unknown}>
          {node.domain ? `An operator of the domain ${node.domain}` : 'An operator this lab does not know'}:
          shown and passed through; its cost is not counted.
        </p>
      )}
      <dl className={panel.facts}>
        <Costs view={view} nodes={[node]} />
        {node.inputs.map((name, position) => (
          <Fact key={`in ${position} ${name}`} term={position === 0 ? 'Inputs' : ''}>
            <Value view={view} name={name} />
          </Fact>
        ))}
        {node.outputs.map((name, position) => (
          <Fact key={`out ${position} ${name}`} term={position === 0 ? 'Outputs' : ''}>
            <Value view={view} name={name} />
          </Fact>
        ))}
        {node.weights.map((weight, position) => (
          <Fact key={`weight ${position} ${weight.name}`} term={position === 0 ? 'Weights' : ''}>
            {weight.name}{' '}
            <span className={panel.dim}>
              {weight.dataType} [{weight.dims.join(', ')}]
            </span>
          </Fact>
        ))}
        {node.attributes.map((attribute) => (
          <Fact key={`attribute ${attribute.name}`} term={attribute.name}>
            {attribute.text}
          </Fact>
        ))}
      </dl>
    </>
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

function Value({ view, name }: { readonly view: GraphView; readonly name: NodeView['inputs'][number] }) {
  const value = view.values.get(name);
  return (
    <>
      {name}{' '}
      {value && (
        <span className={panel.dim}>
          {value.dataType} [{value.shape?.map((dim) => dim ?? '?').join(', ') ?? '?'}]
        </span>
      )}
    </>
  );
}
