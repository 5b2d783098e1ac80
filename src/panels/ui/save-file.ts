import { inSlices } from '../../store/in-slices.ts';

/** Offers bytes to the user as a download under this name. */
export function saveFile(name: string, content: Blob | string, mediaType = 'application/octet-stream'): void {
  const blob = typeof content === 'string' ? new Blob([content], { type: mediaType }) : content;
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name.replace(/[/\\:*?"<>|\p{Cc}]+/gu, '-');
  link.click();
  // The download starts after this turn; it holds the blob itself once started.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The same with a text that is made in parts, however long that takes; the page answers meanwhile. */
export async function saveText(
  name: string,
  parts: Generator<string, void, void>,
  mediaType: string,
): Promise<void> {
  saveFile(name, await textBlob(parts, mediaType));
}

/** A text that is made in parts, in slices between which the page answers. */
export async function textBlob(parts: Generator<string, void, void>, mediaType = ''): Promise<Blob> {
  return (await inSlices(gathered(parts, mediaType))) ?? new Blob();
}

/** Longer texts are handed to the browser piece by piece, which takes a moment each. */
const PIECE_LENGTH = 250_000;

function* gathered(parts: Generator<string, void, void>, mediaType: string): Generator<void, Blob, void> {
  const pieces: Blob[] = [];
  let text = '';
  for (const part of parts) {
    text += part;
    if (text.length >= PIECE_LENGTH) {
      pieces.push(new Blob([text]));
      text = '';
    }
    yield;
  }
  return new Blob([...pieces, text], { type: mediaType });
}
