import { useMemo } from 'react';
import { formatMs, formatShare } from '../../base/units.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import { isTrialOf, placementFor } from '../../store/placement-slice.ts';
import { useExpectations, useKnownCosts, usePredictions, useShares } from '../../store/predictions.ts';
import { undisturbedTotalMs } from '../../study/metrics.ts';
import { shortOfMemory } from '../../study/placement/check-placement.ts';
import { expectedCuts } from '../../study/placement/expected-work.ts';
import { expectedPartBytes } from '../../study/placement/part-bytes.ts';
import { arithmeticOf, predictStrategy } from '../../study/placement/predict-strategy.ts';
import { canHold, PLACEMENT_NAMES, type PlacementName } from '../../study/placement/tiers.ts';
import type { Trial } from '../../study/trial.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import { withCut } from '../../transforms/placement.ts';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';
import { Section } from '../ui/Section.tsx';
import { CutChart } from './CutChart.tsx';
import { FastestCut } from './FastestCut.tsx';
import { MemoryOffer } from './MemoryOffer.tsx';
import styles from './PlacementPanel.module.css';
import { offText, shortText, splitText, tiersText } from './placement-text.ts';
import { ProfileButton } from './ProfileButton.tsx';
import { TierFields } from './TierFields.tsx';
import { TransferComparison } from './TransferComparison.tsx';

/** Where the parts of the recipe on the canvas would run: what is expected, what was measured, what to measure. */
export function PlacementPanel() {
  const view = useLab((lab) => lab.model?.view);
  return view ? <Placements view={view} /> : null;
}

function Placements({ view }: { readonly view: GraphView }) {
  const recipe = useLab((lab) => lab.recipes.present);
  const shown = useLab((lab) => lab.shownPlacement);
  const show = useLab((lab) => lab.showPlacement);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const tierSetup = useLab((lab) => lab.tierSetup);
  const sends = useLab((lab) => lab.sends);
  const tierProfiles = useLab((lab) => lab.tierProfiles);
  const model = useLab((lab) => lab.model);
  const trials = useLab((lab) => lab.trials);
  const known = useKnownCosts(view, recipe);
  const shares = useShares(view, recipe);
  const { work } = useExpectations(view, recipe);
  const { cuts } = useMemo(() => expectedCuts(work, recipe), [work, recipe]);
  const partBytes = useMemo(() => expectedPartBytes(work, cuts, recipe), [work, cuts, recipe]);
  const possible = PLACEMENT_NAMES.filter((name) => canHold(name, cuts.length + 1));
  const measured = normaliseRecipe(recipe);
  const sources = { tierSetup, sends, tierProfiles, model };
  // A guess is better than nothing as long as it is said to be one; of 8-bit arithmetic not even that is there.
  const isGuess = known.basis === null && arithmeticOf(recipe) === '';
  const basis = isGuess ? 'whole-model' : known.basis;
  const rows = possible.map((name) => {
    const entry = { recipe: measured, placement: name };
    const placement = placementFor(entry, sources);
    return {
      name,
      short: shortOfMemory({ name, setup: tierSetup }, { partBytes }),
      prediction: predictStrategy(view, measured, placement, { ...known, basis, shares }),
      trial: trials.find((each) => isTrialOf(each, entry, sources)) ?? null,
    };
  });
  const chosen = rows.find(({ name }) => name === shown) ?? null;
  return (
    <Section title="Placement">
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">tiers</th>
            <th scope="col">predicted</th>
            <th scope="col">measured</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, short, prediction, trial }) => {
            const found = trial && undisturbedTotalMs(trial);
            const expectedMs = trial?.predicted?.totalMeanMs;
            return (
              <tr key={name} data-shown={name === shown} data-short={short !== null}>
                <th scope="row">
                  <label className={styles.choice}>
                    <input
                      type="radio"
                      name="placement"
                      checked={name === shown}
                      onChange={() => show(name)}
                    />
                    {tiersText(name)}
                  </label>
                </th>
                <td title={short ? shortText(short) : undefined}>
                  {short
                    ? 'no memory'
                    : prediction.kind === 'predicted'
                      ? `${isGuess ? '≈ ' : ''}${formatMs(prediction.times.totalMs)}`
                      : '–'}
                </td>
                <td>
                  {found === null ? '–' : formatMs(found)}
                  {found !== null && expectedMs !== undefined && (
                    <span className={styles.off}> {offText(expectedMs, found)}</span>
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {chosen?.short ? (
        <MemoryOffer
          work={work}
          recipe={recipe}
          cuts={cuts}
          placement={{ name: chosen.name, setup: tierSetup }}
          short={chosen.short}
        />
      ) : (
        <p className={`${panel.dim} ${panel.small}`}>
          {chosen?.prediction.kind === 'predicted'
            ? `${tiersText(shown)}: ${splitText(shown, chosen.prediction.times)}.`
            : chosen && `${tiersText(shown)} is not predicted: ${chosen.prediction.reason}.`}
          {basisText(known)}
          {isGuess && ' A guess from multiply-accumulates: nothing was measured here yet. Profile it.'}
        </p>
      )}
      {chosen?.trial && <Outcome trial={chosen.trial} />}
      <Buttons
        view={view}
        possible={rows.filter(({ short }) => short === null).map(({ name }) => name)}
        shown={shown}
      />
      {cuts.length < 2 && (
        <Along
          view={view}
          afterNode={cuts[0]?.afterNode ?? null}
          onCut={(at) => editRecipe(withCut(recipe, view, at))}
        />
      )}
      <FastestCut view={view} />
      {cuts.length > 0 && <TransferComparison recipe={recipe} shown={shown} />}
      <p className={`${panel.dim} ${panel.small}`}>
        From decoding the image to the answer.{' '}
        {cuts.length === 0 && 'Add a cut to share the model between tiers. '}
        Other tiers and links are emulated: computing is measured here and divided by the tier&apos;s speed,
        or measured on the tier&apos;s own device; sending is calculated. Such results are marked.
      </p>
      <TierFields />
    </Section>
  );
}

/** How well times of single nodes are known. */
function basisText({ basis, costs }: ReturnType<typeof useKnownCosts>): string | null {
  if (basis === 'whole-model') {
    return costs.whyByMacs === undefined
      ? ' Shared out by multiply-accumulates until it is profiled.'
      : ` Shared out by multiply-accumulates: ${costs.whyByMacs}`;
  }
  const { guessedShare = 0, runs } = costs;
  if (basis === null || runs === undefined) return null;
  const guessed =
    guessedShare < 0.005 ? '' : `; ${formatShare(guessedShare)} of it only by the order of operators`;
  return ` Profiled: medians of ${runs} runs${guessed}.`;
}

/** The chart along the graph, with the recipe's exits and blocks left out. */
function Along({
  view,
  afterNode,
  onCut,
}: {
  readonly view: GraphView;
  readonly afterNode: number | null;
  readonly onCut: (afterNode: number) => void;
}) {
  const recipe = useLab((lab) => lab.recipes.present);
  const shown = useLab((lab) => lab.shownPlacement);
  const predictions = usePredictions(view, recipe);
  return (
    <CutChart view={view} predictions={predictions} placement={shown} afterNode={afterNode} onCut={onCut} />
  );
}

/** What came out, beside what was expected: in words. */
function Outcome({ trial }: { readonly trial: Trial }) {
  const found = undisturbedTotalMs(trial);
  if (trial.state.kind === 'failed') return <p className={panel.problem}>{trial.state.message}</p>;
  if (found === null) return null;
  const expected = trial.predicted?.totalMeanMs;
  return (
    <p className={panel.small}>
      {expected === undefined
        ? `Nothing was predicted before it ran; measured ${formatMs(found)} (median).`
        : `Predicted ${formatMs(expected)}, measured ${formatMs(found)} (median): ${offText(expected, found)}.`}
    </p>
  );
}

function Buttons({
  view,
  possible,
  shown,
}: {
  readonly view: GraphView;
  readonly possible: readonly PlacementName[];
  readonly shown: PlacementName;
}) {
  const recipe = useLab((lab) => lab.recipes.present);
  const problem = useLab((lab) => lab.recipeProblem);
  const isBusy = useLab((lab) => lab.run !== null || lab.isProfiling);
  const listPlaced = useLab((lab) => lab.listPlaced);
  const measurePlaced = useLab((lab) => lab.measurePlaced);
  return (
    <div className={panel.buttons}>
      <Button
        look="primary"
        disabled={problem !== null || isBusy || possible.length === 0}
        onClick={() => void measurePlaced(recipe, possible)}
      >
        Measure all {possible.length}
      </Button>
      <Button
        disabled={problem !== null || !possible.includes(shown)}
        aria-label={`Add ${tiersText(shown)} to the study`}
        onClick={() => listPlaced(recipe, [shown])}
      >
        Add to study
      </Button>
      <Button disabled={problem !== null} onClick={() => listPlaced(recipe, possible)}>
        Add all {possible.length}
      </Button>
      <ProfileButton view={view} />
    </div>
  );
}
