import type { Model } from '../../onnx/model.ts';

/** A model that computes the same in another form. */
export interface Prepared {
  readonly model: Model;
  /** Nodes (of equalisation: pairs of layers) that were changed. */
  readonly changed: number;
  /** What could have been changed and was not, with the reason. */
  readonly left: readonly { readonly node: string; readonly reason: string }[];
}
