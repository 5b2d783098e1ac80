import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileSource } from '../../src/cli/node-file-source.ts';
import { memorySource } from '../../src/onnx/byte-source.ts';
import { checkRunnable } from '../../src/onnx/check-runnable.ts';
import { modelFingerprint } from '../../src/onnx/model-fingerprint.ts';
import { parseModel } from '../../src/onnx/parse.ts';
import { modelToBytes } from '../../src/onnx/serialize.ts';
import { inOfficialTerms, officialReading } from '../unit/onnx/official-onnx.ts';

const MODELS = join(import.meta.dirname, '../../../shared/models');
const models = existsSync(MODELS)
  ? readdirSync(MODELS, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.onnx'))
  : ['../shared/models is absent'];

describe.skipIf(!existsSync(MODELS))('models made elsewhere', () => {
  it.each(models)('%s is read as the official schema reads it and written byte for byte', (name) => {
    const bytes = new Uint8Array(readFileSync(join(MODELS, name)));
    const model = parseModel(memorySource(bytes), name);
    const nodes = model.graph.nodes.map((node) => ({ ...node }));
    const initializers = model.graph.initializers.map((tensor) => ({ ...tensor }));
    const copied = { ...model, graph: { ...model.graph, nodes, initializers } };

    expect(Buffer.compare(modelToBytes(model), bytes)).toBe(0);
    expect(Buffer.compare(modelToBytes(copied), bytes)).toBe(0);
    expect(checkRunnable(model).errors).toEqual([]);
    // Comparing megabytes of weights value by value is slow and says no more than the bytes did.
    if (bytes.length < 4e6) expect(inOfficialTerms(model)).toEqual(officialReading(bytes));
  });

  it.each(models)('%s is the same model when read from disk', (name) => {
    const source = fileSource(join(MODELS, name));
    const bytes = new Uint8Array(readFileSync(join(MODELS, name)));
    const model = parseModel(source, name);
    const fromMemory = parseModel(memorySource(bytes), name);
    expect(modelFingerprint(model)).toBe(modelFingerprint(fromMemory));
    expect(Buffer.compare(modelToBytes({ ...model, graph: { ...model.graph } }), bytes)).toBe(0);
    source.close();
  });
});
