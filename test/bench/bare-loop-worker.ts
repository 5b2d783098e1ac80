// The least that runs a model in a worker: what the lab's own latency is compared with.
import * as ort from 'onnxruntime-web/wasm';

interface Task {
  readonly model?: Blob;
  readonly inputName: string;
  readonly dims: readonly number[];
  readonly runs: number;
}

let session: ort.InferenceSession | null = null;

self.onmessage = async (event: MessageEvent<Task>) => {
  const { model, inputName, dims, runs } = event.data;
  ort.env.wasm.wasmPaths = new URL('/ort/', self.location.origin).href;
  ort.env.wasm.numThreads = 1;
  if (model !== undefined)
    session = await ort.InferenceSession.create(new Uint8Array(await model.arrayBuffer()));
  const count = dims.reduce((a, b) => a * b, 1);
  const input = new ort.Tensor('float32', new Float32Array(count).fill(0.5), dims);
  const latenciesMs: number[] = [];
  for (let i = 0; i < runs; i++) {
    const startedMs = performance.now();
    await session?.run({ [inputName]: input });
    latenciesMs.push(performance.now() - startedMs);
  }
  self.postMessage(latenciesMs);
};
