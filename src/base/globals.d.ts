// The pure folders compile without DOM types; these few exist on every platform they run on
// (window, worker, Node).
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(input?: ArrayBufferView | ArrayBuffer): string;
}
declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
}
interface Blob {
  readonly size: number;
  readonly type: string;
  slice(start?: number, end?: number, contentType?: string): Blob;
  arrayBuffer(): Promise<ArrayBuffer>;
}
interface File extends Blob {
  readonly name: string;
  readonly lastModified: number;
}
interface ImageBitmap {
  readonly width: number;
  readonly height: number;
  close(): void;
}
interface VideoFrame {
  readonly displayWidth: number;
  readonly displayHeight: number;
  close(): void;
}
