import { describe, expect, it } from 'vitest';
import { besideModel, type PickedFile, sortFiles } from '../../../src/store/sort-files.ts';

const picked = (...paths: string[]): PickedFile[] =>
  paths.map((path) => ({ path, file: new File([], path) }));
const paths = (files: readonly PickedFile[]) => files.map((file) => file.path);

describe('sortFiles', () => {
  it('tells a model, its external weights, images and a study apart', () => {
    const sorted = sortFiles(
      picked('big.onnx', 'big.onnx.data', 'weights/0001.bin', 'images.zip', 'study.json'),
    );
    expect(sorted.model?.path).toBe('big.onnx');
    expect(paths(sorted.external)).toEqual(['big.onnx.data', 'weights/0001.bin']);
    expect(paths(sorted.images)).toEqual(['images.zip']);
    expect(paths(sorted.json)).toEqual(['study.json']);
  });

  it('keeps further models for a plan, with external weights where the first one names them', () => {
    const { model, otherModels, external } = sortFiles(
      picked('m/a.onnx', 'm/w/a.data', 'b.onnx', 'plan.json'),
    );
    expect([model?.path, ...paths(otherModels)]).toEqual(['m/a.onnx', 'b.onnx']);
    expect(besideModel(model as PickedFile, external).map(({ location }) => location)).toEqual(['w/a.data']);
  });

  it('takes everything for data when no model is among the files', () => {
    const sorted = sortFiles(picked('t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte.gz', 'notes.txt'));
    expect(sorted.model).toBeNull();
    expect(paths(sorted.images)).toHaveLength(3);
  });

  it('ignores hidden files and archive clutter', () => {
    const sorted = sortFiles(picked('cats/.DS_Store', '__MACOSX/cats/1.png', 'cats/1.png'));
    expect(paths(sorted.images)).toEqual(['cats/1.png']);
  });
});
