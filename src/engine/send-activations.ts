import type { Tensor } from 'onnxruntime-web/wasm';
import * as Comlink from 'comlink';
import type { ActivationPort, ActivationSink, ImageActivations } from '../protocol/sketch-api.ts';
import { recycledFloats, type RecycledFloats } from './recycled-floats.ts';

/** Images of small models go together: a message takes as long as a good part of their inference. */
const MESSAGE_BYTES = 4e6;

export interface ActivationSender {
  /** To run the session in. */
  readonly during: RecycledFloats['during'];
  /** Takes over what came out of one image. While one message is dealt with elsewhere the next is put together. */
  readonly send: (tensors: readonly Tensor[]) => Promise<void>;
  /** To be called at the end, also of a failure. */
  readonly finish: () => Promise<void>;
}

/** Sends what outputs hold through a port, and gets the memory back. */
export function createActivationSender(port: ActivationPort): ActivationSender {
  const sink = Comlink.wrap<ActivationSink>(port as MessagePort);
  const floats = recycledFloats();
  let waiting: ImageActivations[] = [];
  let waitingBytes = 0;
  let received: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    const images = waiting;
    waiting = [];
    waitingBytes = 0;
    await received;
    received = sink.add(Comlink.transfer(images, buffersOf(images.flat()))).then(floats.giveBack);
    // Its failure belongs to the next message's turn, or to the end.
    received.catch(() => {});
  }

  return {
    during: floats.during,
    send: async (tensors) => {
      const image = tensors.map(floatsOf);
      waiting.push(image);
      for (const { byteLength } of image) waitingBytes += byteLength;
      if (waitingBytes >= MESSAGE_BYTES) await flush();
    },
    finish: async () => {
      try {
        if (waiting.length > 0) await flush();
        await received;
      } finally {
        port.close();
      }
    },
  };
}

/** The runtime copies outputs out of its heap, so nobody else has these numbers. */
function floatsOf({ data }: Tensor): Float32Array<ArrayBuffer> {
  return data instanceof Float32Array
    ? (data as Float32Array<ArrayBuffer>)
    : Float32Array.from(data as ArrayLike<number>);
}

/** What a sink answers: all arrays of these images, to be transferred. */
export function handedBack(images: readonly ImageActivations[]): Float32Array<ArrayBuffer>[] {
  const all = images.flat();
  return Comlink.transfer(all, buffersOf(all));
}

function buffersOf(numbers: readonly Float32Array<ArrayBuffer>[]): ArrayBuffer[] {
  return [...new Set(numbers.map(({ buffer }) => buffer))];
}
