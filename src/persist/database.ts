import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Dataset } from '../data/dataset.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { CandidateScore } from '../data/rank-preprocessings.ts';
import type { BlockScan } from '../study/block-scan.ts';
import type { StudyDesign } from '../study/design/design.ts';
import type { PresetDesign } from '../study/design/design-from-preset.ts';
import type { TierProfile } from '../study/placement/tier-profile.ts';
import type { PlacementName, TierSetup } from '../study/placement/tiers.ts';
import type { FormFigures } from '../study/forms/form-figures.ts';
import type { Shot } from '../study/live/captured-set.ts';
import type { CostProfile } from '../study/profile/cost-profile.ts';
import type { VariantErrors } from '../study/quality/variant-errors.ts';
import type { PruneScan } from '../study/prune-curves.ts';
import type { LayerScan } from '../study/sensitivity.ts';
import type { ExitScores } from '../study/thresholds.ts';
import type { PackedSamples } from '../study/packed-samples.ts';
import type { PROTOCOLS } from '../study/plan.ts';
import type { Asked } from '../study/recommend/wishes.ts';
import type { Provider, Study, Trial } from '../study/trial.ts';
import type { ChannelStatistics } from '../transforms/prune/statistics/channel-statistics.ts';
import type { Calibration } from '../transforms/quantize/calibrate/calibration.ts';
import type { TrainedHead } from '../transforms/exits/trained-head.ts';
import type { NamedRecipe, Recipe } from '../transforms/recipe.ts';
import type { Tier } from '../transforms/variant.ts';

/** A study without its trials, which are records of their own: finishing one writes one. */
export type StudyHeader = Omit<Study, 'trials'> & {
  /** Ids of its trials, in the order of the plan. */
  readonly trialIds: readonly string[];
};

/** What a trial's accuracy pass said of each image; written once, however often the trial is visited. */
export interface StoredAnswers extends Pick<Trial, 'predictions' | 'maskAnswers'> {
  readonly studyId: string;
  readonly trialId: string;
}

/**
 * A trial without its samples, which are chunks of their own: a visit adds some instead of writing all again; and
 * without what it said of images, except by earlier versions.
 */
export type StoredTrial = Omit<Trial, 'samples'> & {
  /** By trials of earlier versions, which have no chunks. */
  readonly samples?: Trial['samples'];
  readonly sampleCount?: number;
  /** Of the last sample; null without any. Tells whether kept samples are the first of a longer list. */
  readonly lastStartedAtMs?: number | null;
};

/** The samples of a trial from `index * SAMPLES_PER_CHUNK` on. */
export interface SampleChunk {
  readonly studyId: string;
  readonly trialId: string;
  readonly index: number;
  readonly samples: PackedSamples;
}

/** A model that is kept; its bytes are blobs under `blobKey`. */
export interface StoredModel {
  /** See `GraphView.modelId`. */
  readonly id: string;
  readonly fileName: string;
  readonly bytes: number;
  readonly storedAtMs: number;
  readonly blobKey: string;
  /** Files of external data, in the order of their blobs. */
  readonly external: readonly { readonly location: string; readonly blobKey: string }[];
}

/** A dataset that is kept; its pack is a blob under `blobKey`. */
export interface StoredDataset {
  readonly id: string;
  readonly dataset: Dataset;
  readonly bytes: number;
  readonly storedAtMs: number;
  readonly blobKey: string;
}

/** What was open, for the next visit. */
export interface Session {
  readonly modelId: string | null;
  readonly datasetId: string | null;
  readonly preprocessing: Preprocessing | null;
  /** The recipe on the canvas. */
  readonly recipe: Recipe;
  /** Saved recipes; `chosen` says whether the next study measures one, and is true where it is left out. */
  readonly strategies: readonly (NamedRecipe & {
    readonly chosen?: boolean;
    readonly placement?: PlacementName;
  })[];
  readonly studyId: string | null;
  /** How the plausible normalisations did on the labelled images, if they were tried. */
  readonly normalisations?: readonly CandidateScore[];
  /** How the next study measures; automatic where it is left out. */
  readonly settings?: {
    readonly provider: Provider | 'auto';
    readonly threads: number | 'auto';
    readonly protocol: keyof typeof PROTOCOLS;
  };
  /** Tiers and links for emulation; the usual ones where it is left out. */
  readonly tiers?: TierSetup;
  /** Other devices that stand for tiers. */
  readonly tierProfiles?: Partial<Readonly<Record<Tier, TierProfile>>>;
  /** What nodes of models take on this device, see `profileKey`. */
  readonly profiles?: ReadonlyMap<string, CostProfile>;
  /** The plan in the making, and what belongs to its preset and models cannot give. */
  readonly plan?: { readonly design: StudyDesign; readonly leftOut: PresetDesign['leftOut'] };
  /** What advice is asked for; nothing in particular where it is left out. */
  readonly asked?: Asked;
  /** Recipes of models opened earlier, by model id. */
  readonly shelved?: ReadonlyMap<
    string,
    Pick<Session, 'recipe' | 'strategies'> & { readonly modelName?: string }
  >;
}

/** A trained head under what it was trained on and its key (see `headKey`). */
export interface StoredHead {
  readonly subject: string;
  readonly key: string;
  readonly head: TrainedHead;
}

/** A calibration under what it was made with and its key (see `keyOfCalibration`). */
export interface StoredCalibration {
  readonly subject: string;
  readonly key: string;
  readonly calibration: Calibration;
}

/** Statistics of channels under what they were seen with and their key (see `keyOfStatistics`). */
export interface StoredStatistics {
  readonly subject: string;
  readonly key: string;
  readonly statistics: ChannelStatistics;
}

/** What is found of a model's layers, by the store that keeps it. */
export interface Findings {
  readonly layerScans: LayerScan;
  readonly layerErrors: VariantErrors;
  readonly pruneScans: PruneScan;
  readonly blockScans: BlockScan;
}

/** A finding under what it was found with (see `subjectId`) and what it is about. */
export interface StoredFinding<Kind extends keyof Findings> {
  readonly subject: string;
  readonly key: string;
  readonly storedAtMs: number;
  readonly found: Findings[Kind];
}

/** A pass over all exits of a model, under the hash of what it was made with. */
export interface StoredExitScores {
  readonly key: string;
  readonly storedAtMs: number;
  readonly pass: ExitScores;
}

/** A piece of a blob, where the browser has no private file system to write to. */
export interface BlobPiece {
  readonly key: string;
  readonly index: number;
  readonly blob: Blob;
}

export interface Schema extends DBSchema {
  studies: { key: string; value: StudyHeader };
  trials: { key: [studyId: string, trialId: string]; value: StoredTrial };
  samples: { key: [studyId: string, trialId: string, index: number]; value: SampleChunk };
  answers: { key: [studyId: string, trialId: string]; value: StoredAnswers };
  models: { key: string; value: StoredModel };
  datasets: { key: string; value: StoredDataset };
  pieces: { key: [string, number]; value: BlobPiece };
  session: { key: string; value: Session };
  exitScores: { key: string; value: StoredExitScores };
  heads: { key: [subject: string, key: string]; value: StoredHead };
  calibrations: { key: [subject: string, key: string]; value: StoredCalibration };
  channelStatistics: { key: [subject: string, key: string]; value: StoredStatistics };
  /** By `figuresKey`. */
  formFigures: { key: string; value: FormFigures };
  layerScans: FindingsStore;
  layerErrors: FindingsStore;
  pruneScans: FindingsStore;
  blockScans: FindingsStore;
  shots: { key: string; value: Shot };
}

interface FindingsStore {
  key: [subject: string, key: string];
  value: StoredFinding<keyof Findings>;
  indexes: { storedAtMs: number };
}

export type Database = IDBPDatabase<Schema>;

/** Steps from each version to the next; a step that was shipped is never changed, only followed by another. */
const migrations: readonly ((database: Database) => void)[] = [
  (database) => {
    database.createObjectStore('studies', { keyPath: 'id' });
    // Under its study, so that an imported study cannot overwrite another one's trials.
    database.createObjectStore('trials', { keyPath: ['studyId', 'id'] });
    database.createObjectStore('models', { keyPath: 'id' });
    database.createObjectStore('datasets', { keyPath: 'id' });
    database.createObjectStore('pieces', { keyPath: ['key', 'index'] });
    database.createObjectStore('session');
  },
  (database) => {
    database.createObjectStore('heads', { keyPath: ['subject', 'key'] });
  },
  (database) => {
    database.createObjectStore('exitScores', { keyPath: 'key' });
  },
  (database) => {
    database.createObjectStore('calibrations', { keyPath: ['subject', 'key'] });
  },
  (database) => {
    database.createObjectStore('formFigures');
  },
  (database) => {
    for (const name of ['layerScans', 'layerErrors'] as const)
      database
        .createObjectStore(name, { keyPath: ['subject', 'key'] })
        .createIndex('storedAtMs', 'storedAtMs');
  },
  (database) => {
    for (const name of ['pruneScans', 'blockScans'] as const)
      database
        .createObjectStore(name, { keyPath: ['subject', 'key'] })
        .createIndex('storedAtMs', 'storedAtMs');
  },
  (database) => {
    database.createObjectStore('channelStatistics', { keyPath: ['subject', 'key'] });
  },
  (database) => {
    database.createObjectStore('samples', { keyPath: ['studyId', 'trialId', 'index'] });
  },
  (database) => {
    database.createObjectStore('shots', { keyPath: 'id' });
  },
  (database) => {
    database.createObjectStore('answers', { keyPath: ['studyId', 'trialId'] });
  },
];

let opening: Promise<Database> | null = null;

/** The lab's database, opened once. */
export function openDatabase(): Promise<Database> {
  opening ??= openDB<Schema>('paretoscope', migrations.length, {
    upgrade(database, oldVersion) {
      for (const migrate of migrations.slice(oldVersion)) migrate(database);
    },
    // A newer version of the lab in another tab may not be held up; this tab opens it anew when it needs to.
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
      opening = null;
    },
    terminated() {
      opening = null;
    },
  }).catch((error: unknown) => {
    opening = null;
    throw error;
  });
  return opening;
}
