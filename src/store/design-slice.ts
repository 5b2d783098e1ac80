import type { TriedSpeed } from '../clients/try-speed.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { StudyDesign } from '../study/design/design.ts';
import type { PresetDesign } from '../study/design/design-from-preset.ts';
import type { TrainedHead } from '../transforms/exits/trained-head.ts';
import type { Slice } from './slice.ts';

/** A model of a plan that is on this device, as far as a plan has to know it. */
export interface DesignModel {
  readonly view: GraphView;
  /** At the size that suits model and images. */
  readonly preprocessing: Preprocessing;
  /** Kept from earlier trainings on these images. */
  readonly heads: readonly TrainedHead[];
  /** Why it refuses recipes, by `refusalKey`; those that were not asked yet are not in it. */
  readonly refusals: ReadonlyMap<string, string | null>;
}

/** A plan in the making; what is done with it is in `design-work.ts`, loaded when it is first asked for. */
export interface DesignSlice {
  readonly design: StudyDesign | null;
  /** By id; those that are not here are in `designProblems`. */
  readonly designModels: ReadonlyMap<string, DesignModel>;
  /** Why models of the plan are not here, by id. */
  readonly designProblems: ReadonlyMap<string, string>;
  /** What belongs to the preset and models cannot give. */
  readonly designLeftOut: PresetDesign['leftOut'];
  /** What is being opened or asked for the plan; null: nothing. */
  readonly designing: string | null;
  /** How fast models ran here when they were tried for a moment, by id; null: they could not be. */
  readonly designSpeeds: ReadonlyMap<string, TriedSpeed | null>;
  /** Whether one is being tried. */
  readonly designTrying: boolean;
  readonly changeDesign: (change: Partial<StudyDesign>) => void;
}

export const createDesignSlice: Slice<DesignSlice> = (set) => ({
  design: null,
  designModels: new Map(),
  designProblems: new Map(),
  designLeftOut: [],
  designing: null,
  designSpeeds: new Map(),
  designTrying: false,
  changeDesign: (change) => set(({ design }) => (design ? { design: { ...design, ...change } } : {})),
});
