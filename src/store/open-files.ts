import { attempt } from '../base/result.ts';
import { useLab } from './lab.ts';
import { type PickedFile, sortFiles } from './sort-files.ts';

/** Opens whatever was picked or dropped, each file for what it is. */
export async function openFiles(picked: readonly PickedFile[]): Promise<void> {
  const files = picked.filter((each) => !isVideo(each));
  const video = picked.find(isVideo);
  if (video) useLab.getState().showLive(video.file);
  if (files.length === 0) return;
  const { model, otherModels, external, images: imagesOrZips, json: jsonFiles } = sortFiles(files);
  const { openModel, openData, openDialog } = useLab.getState();
  const wasDesigning = isDesigning();
  // A plan that is being made takes models beside the open one.
  const forPlan = wasDesigning && model ? [model, ...otherModels] : otherModels;
  // At once: whoever opens a dialog next finds it open.
  if ((model && !wasDesigning) || imagesOrZips.length > 0) openDialog(null);
  const studyZips = await zipsOfStudies(imagesOrZips);
  const images = imagesOrZips.filter((file) => !studyZips.includes(file));
  const json = [...jsonFiles, ...studyZips];
  if (model && !wasDesigning && !(await openModel({ kind: 'file', file: model, external }))) return;
  if (images.length > 0) await openData(images);
  if (wasDesigning) openDialog('design');
  const studies: File[] = [];
  for (const file of json) if ((await openJson(file)) === 'study') studies.push(file.file);
  if (studies.length > 0) await useLab.getState().importStudies(studies);
  if (!isDesigning()) return;
  for (const file of forPlan) await (await designing()).addModelFile(file, external);
}

function isVideo({ file }: PickedFile): boolean {
  return file.type.startsWith('video/');
}

/** The lab's own, or others: what is in them tells. */
async function zipsOfStudies(files: readonly PickedFile[]): Promise<readonly PickedFile[]> {
  const zips = files.filter(({ path }) => /\.zip$/i.test(path));
  if (zips.length === 0) return [];
  const { isZipOfStudies } = await import('../clients/read-study-file.ts');
  const isOne = await Promise.all(zips.map(({ file }) => isZipOfStudies(file)));
  return zips.filter((_, at) => isOne[at]);
}

const designing = () => import('./design-work.ts');

function isDesigning(): boolean {
  const { dialog, design } = useLab.getState();
  return dialog === 'design' && design !== null;
}

/**
 * A JSON file is a study, a plan or recipes; studies and plans say so, and of these only studies are gzipped.
 * @returns `study` for a study, which is left to be opened with others
 */
async function openJson({ path, file }: PickedFile): Promise<'study' | void> {
  const { importRecipes, reportFailure } = useLab.getState();
  if (/\.(gz|zip)$/i.test(path)) return 'study';
  const begin = await attempt(() => file.slice(0, 4096).text());
  if (!begin.ok) return reportFailure(`${file.name} could not be read`, begin.failure);
  const format = /"format"\s*:\s*"paretoscope-(study|plan)"/.exec(begin.value)?.[1];
  if (format === 'study') return 'study';
  const text = await attempt(() => file.text());
  if (!text.ok) return reportFailure(`${file.name} could not be read`, text.failure);
  if (format === 'plan') await (await designing()).importDesign(text.value);
  else await importRecipes(text.value);
}

/** Files of an input element or a drop, with their paths inside a picked folder. */
export function pickedFiles(files: Iterable<File>): PickedFile[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Most files taken from a dropped folder. */
const mostFiles = 200_000;

/** All files of a drop, those in dropped folders included. Must be called while the drop event is handled. */
export async function droppedFiles(transfer: DataTransfer): Promise<PickedFile[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return pickedFiles(transfer.files);
  const found: PickedFile[] = [];
  for (const entry of entries) await collect(entry, found);
  return found;
}

async function collect(entry: FileSystemEntry, found: PickedFile[]): Promise<void> {
  if (found.length >= mostFiles) return;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.push({ path: entry.fullPath.replace(/^\//, ''), file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader hands out a folder in portions, and nothing when it is through.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (portion.length === 0) return;
    for (const inner of portion) await collect(inner, found);
  }
}
