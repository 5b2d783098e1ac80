import { InputError } from '../base/result.ts';
import type { Failure } from '../base/result.ts';
import { externalLocations } from './external-data.ts';
import { indexGraph } from './graph-index.ts';
import { isUnusableName } from './unusable-name.ts';
import type { Model, ValueInfo } from './model.ts';

/** What the runtime this lab ships with understands (onnxruntime-web 1.30). */
const NEWEST_IR_VERSION = 13;
const NEWEST_OPSET = 26;
/** Below opset 7 the runtime gives no guarantee. */
const OLDEST_OPSET = 7;

/** Reasons why a model cannot run here, and things a user should know though it can. */
export interface RunnableReport {
  readonly errors: readonly Failure[];
  readonly warnings: readonly string[];
}

/** Checks all that is cheap to check: the graph's soundness, versions, inputs and outputs, missing files. */
export function checkRunnable(model: Model): RunnableReport {
  const errors: Failure[] = [];
  const warnings: string[] = [];
  try {
    indexGraph(model.graph);
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    errors.push(thrown.failure);
  }
  const initializerNames = new Set<string>(model.graph.initializers.map((tensor) => tensor.name));
  const inputs = model.graph.inputs.filter((input) => !initializerNames.has(input.name));
  for (const input of inputs) addTypeError(input, 'input', errors);
  for (const output of model.graph.outputs) addTypeError(output, 'output', errors);
  if (inputs.length === 0) {
    errors.push({
      code: 'onnx-no-input',
      message: 'The graph has no input, so no image can be given to it.',
    });
  }
  if (model.graph.outputs.length === 0) {
    errors.push({ code: 'onnx-no-output', message: 'The graph has no output, so running it tells nothing.' });
  }
  for (const { name } of model.graph.outputs.filter((output) => isUnusableName(output.name))) {
    errors.push({
      code: 'onnx-unusable-name',
      message: `An output of the graph is called "${name}", which the runtime cannot return, wanted any other name.`,
      where: name,
      hint: 'Export the model with another name for it.',
    });
  }
  const twice = namedTwice(model);
  if (twice !== null) {
    errors.push({
      code: 'onnx-node-name-twice',
      message: `Several nodes are called "${twice}", which ONNX Runtime refuses, wanted a name of its own for each, or none.`,
      where: twice,
      hint: 'Give the nodes other names; in Python: for node in model.graph.node: node.name = "".',
    });
  }
  const missing = externalLocations(model).filter((location) => !isAttached(model, location));
  if (missing.length > 0) {
    errors.push({
      code: 'onnx-external-missing',
      message: `Weights are in other files that were not given: ${missing.map((name) => `"${name}"`).join(', ')}.`,
      hint: 'Open the model together with these files.',
    });
  }
  addVersionNotes(model, errors, warnings);
  return { errors, warnings };
}

/** A name that several nodes of the graph have; nodes without a name have none in common. */
function namedTwice({ graph }: Model): string | null {
  const seen = new Set<string>();
  for (const { name } of graph.nodes) {
    if (name !== '' && seen.has(name)) return name;
    seen.add(name);
  }
  return null;
}

function addTypeError(value: ValueInfo, role: string, errors: Failure[]): void {
  if (value.type.kind !== 'other') return;
  errors.push({
    code: 'onnx-not-a-tensor',
    message: `The ${role} "${value.name}" is a ${value.type.description}, not a tensor.`,
    where: value.name,
    hint: 'Export the model with tensors as inputs and outputs (classifiers of scikit-learn: zipmap off).',
  });
}

function isAttached(model: Model, location: string): boolean {
  return model.graph.initializers.some(
    ({ data }) => data.kind === 'external' && data.location === location && data.source !== null,
  );
}

function addVersionNotes(model: Model, errors: Failure[], warnings: string[]): void {
  if (model.irVersion > NEWEST_IR_VERSION) {
    warnings.push(
      `The file uses IR version ${model.irVersion}; the runtime knows up to ${NEWEST_IR_VERSION} and may refuse it.`,
    );
  }
  for (const { domain, version } of model.opsetImports) {
    if (domain !== '' && domain !== 'ai.onnx') {
      warnings.push(`Operators of the domain "${domain}" pass through, but the runtime may not know them.`);
    } else if (version < 1) {
      errors.push({
        code: 'onnx-wrong-opset',
        message: `The file asks for version ${version} of the standard operators; versions start at 1.`,
        hint: 'The file is damaged or was edited: export the model again.',
      });
    } else if (version > NEWEST_OPSET) {
      warnings.push(
        `The file uses opset ${version}; the runtime knows up to ${NEWEST_OPSET} and may refuse it.`,
      );
    } else if (version < OLDEST_OPSET) {
      warnings.push(
        `The file uses opset ${version}, older than ${OLDEST_OPSET}: some operators may not run.`,
      );
    }
  }
}
