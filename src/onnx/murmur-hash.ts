const BLOCK_BYTES = 16;
const [C1, C2, C3, C4] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93];

/**
 * 128 bits over `bytes` as 32 hex digits: enough to tell contents apart, not to resist forgery; some fifty times
 * faster in JavaScript than SHA-256.
 * @source MurmurHash3_x86_128 by Austin Appleby, public domain, seed 0
 */
export function murmurHash128(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % BLOCK_BYTES);
  let [h1, h2, h3, h4] = [0, 0, 0, 0];
  for (let at = 0; at < whole; at += BLOCK_BYTES) {
    h1 ^= mixed(view.getUint32(at, true), C1, 15, C2);
    h1 = (Math.imul((rotated(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
    h2 ^= mixed(view.getUint32(at + 4, true), C2, 16, C3);
    h2 = (Math.imul((rotated(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
    h3 ^= mixed(view.getUint32(at + 8, true), C3, 17, C4);
    h3 = (Math.imul((rotated(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
    h4 ^= mixed(view.getUint32(at + 12, true), C4, 18, C1);
    h4 = (Math.imul((rotated(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  // A tail word of zeros mixes to zero, so the padding changes nothing.
  const tail = new DataView(new ArrayBuffer(BLOCK_BYTES));
  for (let i = whole; i < bytes.length; i++) tail.setUint8(i - whole, bytes[i] as number);
  h1 ^= mixed(tail.getUint32(0, true), C1, 15, C2) ^ bytes.length;
  h2 ^= mixed(tail.getUint32(4, true), C2, 16, C3) ^ bytes.length;
  h3 ^= mixed(tail.getUint32(8, true), C3, 17, C4) ^ bytes.length;
  h4 ^= mixed(tail.getUint32(12, true), C4, 18, C1) ^ bytes.length;
  [h1, h2, h3, h4] = summed(h1, h2, h3, h4);
  const words = summed(finished(h1), finished(h2), finished(h3), finished(h4));
  return words.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

function mixed(word: number, before: number, turn: number, after: number): number {
  return Math.imul(rotated(Math.imul(word, before), turn), after);
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function summed(h1: number, h2: number, h3: number, h4: number): [number, number, number, number] {
  const sum = (h1 + h2 + h3 + h4) | 0;
  return [sum, (h2 + sum) | 0, (h3 + sum) | 0, (h4 + sum) | 0];
}

/** Every bit of a word affects every other. */
function finished(word: number): number {
  let mixing = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixing = Math.imul(mixing ^ (mixing >>> 13), 0xc2b2ae35);
  return mixing ^ (mixing >>> 16);
}
