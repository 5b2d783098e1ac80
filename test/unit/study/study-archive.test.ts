import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import { openZip } from '../../../src/data/archive.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { zipFiles } from '../../../src/panels/ui/zip-files.ts';
import { studiesInZip } from '../../../src/study/study-archive.ts';
import { serialiseStudy } from '../../../src/study/study-json.ts';
import { makeStudy, measuredTrial } from './trials.ts';

const study = makeStudy([measuredTrial('a', 1, 50)]);
const text = serialiseStudy(study);

async function zipOf(files: Readonly<Record<string, string>>) {
  const named = Object.entries(files).map(([name, content], at) => ({
    name,
    blob: new Blob([content]),
    // Compressed and not.
    isText: at % 2 === 0,
  }));
  return memorySource(new Uint8Array(await (await zipFiles(named)).arrayBuffer()));
}

describe('a zip of studies', () => {
  it('gives back every file as it was, compressed where it is text', async () => {
    const long = text.repeat(50);
    const zip = await zipOf({ 'a.txt': long, 'b.bin': 'x', 'pictures/c.csv': '' });
    expect(zip.size).toBeLessThan(long.length / 10);
    const read = openZip(zip, 'a.zip').entries.map((entry) => [
      entry.path,
      new TextDecoder().decode(entry.read()),
    ]);
    expect(read).toEqual([
      ['a.txt', long],
      ['b.bin', 'x'],
      ['pictures/c.csv', ''],
    ]);
  });
  it('is read by what its files say, whatever else is in it', async () => {
    const zip = await zipOf({
      'phone.json': text,
      'recipes.json': '[]',
      'x/study.json': text,
      'a.csv': 'format',
    });
    expect(studiesInZip(zip, 'all.zip')).toEqual([study, study]);
  });
  it('is refused as a whole where one study is damaged, naming which; and where there is none', async () => {
    const damaged = await zipOf({ 'a.json': text, 'b/study.json': text.slice(0, -9) });
    expect(() => studiesInZip(damaged, 'all.zip')).toThrow(InputError);
    expect(() => studiesInZip(damaged, 'all.zip')).toThrow(/^b\/study\.json: /);
    const none = await zipOf({ 'recipes.json': '[]' });
    expect(() => studiesInZip(none, 'all.zip')).toThrow('all.zip: found recipes.json, wanted a study.json');
  });
});
