import { PlacementPanel } from '../panels/placement/PlacementPanel.tsx';
import { RecipePanel } from '../panels/recipe/RecipePanel.tsx';
import { RunSettings } from '../panels/run/RunSettings.tsx';
import { StrategyList } from '../panels/run/StrategyList.tsx';

/** What the desktop shows beside the graph: what is done to the model, and what is measured of it. */
export function LeftPanels() {
  return (
    <>
      <RecipePanel />
      <PlacementPanel />
      <StrategyList />
      <RunSettings />
    </>
  );
}
