import type { ColourMode, NodeRange, PreviewInfo } from '../canvas/props.ts';
import type { Limits } from '../study/plots/parallel.ts';
import type { FrontAxes } from '../study/front-layout.ts';
import { type Asked, NO_LIMITS } from '../study/recommend/wishes.ts';
import type { Adjustment } from '../study/statistics/adjust.ts';
import type { NamedRecipe } from '../transforms/recipe.ts';
import type { Slice } from './slice.ts';

export type Tab = 'graph' | 'recipe' | 'run' | 'front' | 'data';
/** What the results are looked at as. */
export type ResultsView = 'front' | 'compare' | 'pictures' | 'explain' | 'advice' | 'devices';
export type Theme = 'system' | 'light' | 'dark';
export type DialogName = 'model' | 'data' | 'device' | 'sets' | 'design' | 'quality' | 'graphs' | 'camera';

export interface UiSlice {
  /** Until what was open last time, or the bundled model, is there: what can wait is loaded after it. */
  readonly isStarting: boolean;
  /** The phone's tab. */
  readonly tab: Tab;
  readonly theme: Theme;
  readonly resultsView: ResultsView;
  /** The picture chosen among those of a study, by its id. */
  readonly picture: string;
  /** What is brushed on the parallel coordinates of a study, see `limitsOf`. */
  readonly brushed: { readonly studyId: string; readonly limits: Limits } | null;
  /** How p-values are adjusted for their number. */
  readonly adjustment: Adjustment;
  /** The strategy whose comparisons are shown; null: of all pairs. Left out: the unchanged model. */
  readonly comparedWith?: string | null;
  /** What a strategy is advised for. */
  readonly asked: Asked;
  readonly dialog: DialogName | null;
  /** What is shown in place of a camera. */
  readonly liveVideo: File | null;
  /** What stands beside the model as it is in the dialog of graphs; null: the recipe on the canvas. */
  readonly comparedVariant: NamedRecipe | null;
  readonly colour: ColourMode;
  readonly search: string;
  /** Which match of the search is centred; counts on round the end. */
  readonly searchIndex: number;
  readonly selectedNode: number | null;
  readonly selectedRange: NodeRange | null;
  /** What a cut or exit would mean where it is being dragged. */
  readonly preview: PreviewInfo | null;
  readonly axes: FrontAxes;
  readonly selectedTrialId: string | null;
  /** The trial that stands beside the selected one. */
  readonly comparedTrialId: string | null;
  /** The trial under the pointer in the front; its recipe shows on the graph meanwhile. */
  readonly pointedTrialId: string | null;
  readonly showTab: (tab: Tab) => void;
  readonly showResultsView: (view: ResultsView) => void;
  readonly showPicture: (id: string) => void;
  readonly setLimits: (limits: Limits) => void;
  readonly setAdjustment: (adjustment: Adjustment) => void;
  readonly showComparisonsWith: (trialId: string | null) => void;
  readonly ask: (asked: UiSlice['asked']) => void;
  readonly setTheme: (theme: Theme) => void;
  readonly openDialog: (dialog: DialogName | null) => void;
  /** Lets variants answer a video; `null`: a camera. */
  readonly showLive: (video: File | null) => void;
  /** Shows the graphs and costs before and after; `null`: of the recipe on the canvas. */
  readonly compareGraphs: (variant: NamedRecipe | null) => void;
  readonly setColour: (colour: ColourMode) => void;
  readonly searchFor: (search: string, index: number) => void;
  readonly selectNode: (index: number | null) => void;
  readonly selectRange: (range: NodeRange | null) => void;
  readonly setPreview: (preview: PreviewInfo | null) => void;
  readonly setAxes: (axes: FrontAxes) => void;
  readonly pointAtTrial: (trialId: string | null) => void;
  /** Highlights a trial and puts its recipe on the canvas (one undo step). */
  readonly showTrial: (trialId: string) => void;
  readonly compareWith: (trialId: string | null) => void;
  /** Shows no trial any more; the recipe stays on the canvas. */
  readonly closeTrial: () => void;
}

const noLimits: Limits = new Map();

/** Where trials must lie to be shown by front and table: what is brushed of this study, not of the one before. */
export function limitsOf({
  study,
  brushed,
}: Pick<UiSlice, 'brushed'> & { readonly study: { readonly id: string } | null }): Limits {
  return brushed !== null && brushed.studyId === study?.id ? brushed.limits : noLimits;
}

export const createUiSlice: Slice<UiSlice> = (set, get) => ({
  isStarting: true,
  tab: 'graph',
  theme: 'system',
  resultsView: 'front',
  picture: 'box-plots',
  brushed: null,
  adjustment: 'holm',
  asked: { limits: NO_LIMITS, wish: 'balanced' },
  dialog: null,
  liveVideo: null,
  comparedVariant: null,
  colour: 'macs',
  search: '',
  searchIndex: 0,
  selectedNode: null,
  selectedRange: null,
  preview: null,
  axes: { x: 'latencyMedianMs', y: null },
  selectedTrialId: null,
  comparedTrialId: null,
  pointedTrialId: null,
  showTab: (tab) => set({ tab }),
  showResultsView: (resultsView) => set({ resultsView }),
  showPicture: (picture) => set({ picture }),
  setLimits: (limits) => {
    const studyId = get().study?.id;
    set({ brushed: studyId === undefined ? null : { studyId, limits } });
  },
  setAdjustment: (adjustment) => set({ adjustment }),
  showComparisonsWith: (comparedWith) => set({ comparedWith }),
  ask: (asked) => set({ asked }),
  setTheme: (theme) => set({ theme }),
  openDialog: (dialog) => set({ dialog }),
  showLive: (liveVideo) => set({ dialog: 'camera', liveVideo }),
  compareGraphs: (comparedVariant) => set({ dialog: 'graphs', comparedVariant }),
  setColour: (colour) => set({ colour }),
  searchFor: (search, searchIndex) => set({ search, searchIndex }),
  selectNode: (selectedNode) => set({ selectedNode }),
  selectRange: (selectedRange) => set({ selectedRange }),
  setPreview: (preview) => set({ preview }),
  setAxes: (axes) => set({ axes }),
  // Called for every movement of the pointer; most change nothing.
  pointAtTrial: (pointedTrialId) => pointedTrialId !== get().pointedTrialId && set({ pointedTrialId }),
  showTrial: (trialId) => {
    const trial = get().trials.find((t) => t.id === trialId);
    if (!trial) return;
    if (trial.strategy.modelId === get().model?.view.modelId) get().editRecipe(trial.strategy.recipe);
    // After the edit, which clears the selection.
    set({ selectedTrialId: trialId });
  },
  compareWith: (comparedTrialId) => set({ comparedTrialId }),
  closeTrial: () => set({ selectedTrialId: null, comparedTrialId: null }),
});
