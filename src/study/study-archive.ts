import { InputError } from '../base/result.ts';
import { type Archive, type ArchiveEntry, openZip } from '../data/archive.ts';
import type { ByteSource } from '../onnx/byte-source.ts';
import { parseStudy } from './study-json.ts';
import type { Study } from './trial.ts';

/**
 * The studies in a zip, such as the lab's own of everything, or several studies packed together: each JSON file that
 * says to be one, or is named like one. All of them, or none where one is wrong.
 * @param archiveName for messages
 * @throws InputError `no-study-in-archive`, those of `openZip` and, with the path in the archive, of `parseStudy`
 */
export function studiesInZip(source: ByteSource, archiveName: string): readonly Study[] {
  const archive = openZip(source, archiveName);
  const studies = archive.entries.flatMap((entry): readonly Study[] => {
    if (!/\.json$/i.test(entry.path)) return [];
    const text = new TextDecoder().decode(entry.read());
    return saysItIsAStudy(text) || isNamedLikeOne(entry) ? [named(entry, () => parseStudy(text))] : [];
  });
  if (studies.length > 0) return studies;
  throw new InputError({
    code: 'no-study-in-archive',
    message: `${archiveName}: found ${contentText(archive)}, wanted a study.json`,
    hint: 'Images are opened under Data.',
  });
}

function saysItIsAStudy(text: string): boolean {
  return /"format"\s*:\s*"paretoscope-study"/.test(text.slice(0, 4096));
}

function isNamedLikeOne({ path }: ArchiveEntry): boolean {
  return /(^|\/)study[^/]*$/i.test(path);
}

/** What is wrong is told with the place in the archive. */
function named<T>({ path }: ArchiveEntry, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    const { failure } = thrown;
    throw new InputError({ ...failure, message: `${path}: ${failure.message}` });
  }
}

function contentText({ entries }: Archive): string {
  if (entries.length === 0) return 'nothing';
  const names = entries.slice(0, 3).map(({ path }) => path);
  return names.join(', ') + (entries.length > 3 ? ` and ${entries.length - 3} more` : '');
}
