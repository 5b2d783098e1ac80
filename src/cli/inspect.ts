import { parseArgs } from 'node:util';
import { InputError } from '../base/result.ts';
import { buildGraphView } from '../onnx/build-graph-view.ts';
import { type CountedSize, dimsAtSize } from '../onnx/counted-size.ts';
import { singleValueCuts } from '../onnx/frontiers.ts';
import type { FrontierView, GraphView, ValueView } from '../onnx/graph-view.ts';
import { modelFingerprint } from '../onnx/model-fingerprint.ts';
import type { ValueName } from '../onnx/model.ts';
import { placeCuts } from '../transforms/cuts/placed-cut.ts';
import { AUTOMATIC_CUTS } from '../transforms/cuts/resolve-cut.ts';
import type { AutomaticCut } from '../transforms/recipe.ts';
import { checkInputSize, INPUT_SIZE_HELP, inputSizeProblem, readInputSize } from './input-size.ts';
import { openModelArgument } from './open-model-argument.ts';

const usage = `usage: npm run -s inspect -- --model FILE|zoo:NAME|sample [--input-size HxW]

Prints what the lab knows about a model as JSON, without reading its weights:
  nodes, displayNodes   nodes in the file; nodes after folding constants and shape arithmetic
  params, macs          learned numbers; multiply-accumulates of one inference at batch 1
  blocks                count, and for each its label, nodes, macs, params and structure hash
  singleValueCuts       where one value crosses: name, node before it, shape, bytes, share of MACs before
  automaticCuts         where equal-size, fewest-bytes and fastest (by default tiers) cut: what crosses, bytes,
                        share of MACs and weight bytes before, and what fastest is expected to take
  exits                 the model's outputs by work
  skippable             runs of identical blocks that can be left out: the values around them, and each block
  inputs, outputs, opsets, unknownOperators, warnings, hollow
Shapes keep what the model leaves open, beside them "counted" is what bytes and MACs are told for:
${INPUT_SIZE_HELP}.`;

/** Everything `inspect` prints; sizes in bytes, shares in [0, 1]. */
function report(view: GraphView) {
  const value = (name: ValueName): ValueView => view.values.get(name) as ValueView;
  const unknown = view.nodes.filter((node) => !node.known);
  return {
    file: view.fileName,
    fileBytes: view.fileBytes,
    modelId: view.modelId,
    producer: view.producer,
    irVersion: view.irVersion,
    opsets: view.opsets,
    nodes: view.totals.fileNodes,
    displayNodes: view.nodes.length,
    params: view.totals.params,
    macs: view.totals.macs,
    weightBytes: view.totals.weightBytes,
    activationBytes: view.totals.activationBytes,
    hollow: view.hollow,
    inputs: view.inputs.map(value),
    outputs: view.outputs.map(value),
    exits: view.exits,
    skippable: (view.skippable ?? []).map((run) => ({
      from: run.from,
      to: run.to,
      shape: view.values.get(run.from)?.shape,
      count: run.blocks.length,
      blocks: run.blocks,
    })),
    blocks: {
      count: view.blocks.length,
      list: view.blocks.map(({ label, firstNode, lastNode, macs, params, structure }) => ({
        label,
        nodes: lastNode - firstNode + 1,
        macs,
        params,
        structure,
      })),
    },
    singleValueCuts: singleValueCuts(view.frontiers).map((frontier) => cutReport(frontier, view)),
    automaticCuts: Object.fromEntries(AUTOMATIC_CUTS.map((kind) => [kind, automaticCutReport(kind, view)])),
    unknownOperators: [
      ...new Set(unknown.map(({ domain, opType }) => (domain ? `${domain}:${opType}` : opType))),
    ],
    warnings: view.warnings,
  };
}

/** Null: no place divides the model's work. */
function automaticCutReport(kind: AutomaticCut, view: GraphView) {
  const [cut] = placeCuts(view, { op: 'partition', cut: kind }, {}).cuts;
  if (cut === undefined) return null;
  const { macsBefore, crossingBytes, weightBytesBefore, weightBytesAfter } = cut.cost;
  return {
    crossing: cut.crossing,
    bytes: crossingBytes,
    macsBeforeShare: view.totals.macs === 0 ? 0 : macsBefore / view.totals.macs,
    weightBytesBefore,
    weightBytesAfter,
    ...(cut.prediction !== null && { prediction: cut.prediction }),
  };
}

function cutReport(frontier: FrontierView, view: GraphView) {
  const name = frontier.crossing[0] as ValueName;
  const node = view.nodes[frontier.afterNode];
  return {
    value: name,
    afterNode: frontier.afterNode,
    opType: node?.opType,
    shape: view.values.get(name)?.shape,
    bytes: frontier.bytes,
    macsBefore: frontier.macsBefore,
    macsBeforeShare: view.totals.macs === 0 ? 0 : frontier.macsBefore / view.totals.macs,
  };
}

function readArguments(): { readonly model: string; readonly size: CountedSize | null } {
  try {
    const { values } = parseArgs({
      options: {
        model: { type: 'string' },
        'input-size': { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const given = values['input-size'];
    const size = given === undefined ? null : readInputSize(given);
    if (given !== undefined && size === null) console.error(inputSizeProblem(given));
    else if (values.model) return { model: values.model, size };
    console.error(usage);
  } catch (thrown) {
    console.error(`${thrown instanceof Error ? thrown.message : String(thrown)}\n\n${usage}`);
  }
  process.exit(2);
}

try {
  const { model: argument, size } = readArguments();
  const { model, fileName, fileBytes } = openModelArgument(argument);
  if (size !== null) checkInputSize(model, size);
  const meta = { modelId: modelFingerprint(model), fileName, fileBytes };
  const view = buildGraphView(model, meta, dimsAtSize(size ?? {}));
  process.stdout.write(`${JSON.stringify(report(view), null, 2)}\n`);
} catch (thrown) {
  if (!(thrown instanceof InputError)) throw thrown;
  const { message, hint } = thrown.failure;
  console.error(hint ? `${message} ${hint}` : message);
  process.exitCode = 1;
}
