import { describe, expect, it } from 'vitest';
import { DEFAULT_SETUP, type TierPlacement } from '../../../src/study/placement/tiers.ts';
import { makeStrategy } from '../../../src/study/strategy-id.ts';
import { parseStrategies, strategiesText } from '../../../src/study/strategies-file.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';

const cut: Recipe = [{ op: 'partition', cut: 'equal-size' }];

describe('a recipes file with placements', () => {
  it('gives back the very strategies it was written from', () => {
    const measured = {
      device: 'a board',
      source: 'nodes' as const,
      segmentMs: [1, 2],
      decodeMs: 3,
      preprocessMs: 4,
      postprocessMs: 5,
    };
    const { tiers, links } = DEFAULT_SETUP;
    const placement: TierPlacement = {
      name: 'mobile-edge',
      sends: 'input-tensor',
      setup: {
        tiers: { ...tiers, edge: { speedFactor: 2.5, memoryLimitBytes: 1e9, measured } },
        links: { ...links, 'mobile-edge': { bandwidthMbps: 7, rttMs: 0, jitterMs: 2 } },
      },
    };
    const given = [
      { name: 'here', recipe: cut, placement: null },
      { name: 'there', recipe: cut, placement },
    ];
    const back = parseStrategies(JSON.parse(strategiesText(given)));
    expect(back).toEqual(given);
    const idOf = (each: (typeof given)[number]) => makeStrategy('model', each, 'wasm', 1, each.placement).id;
    expect(back.map(idOf)).toEqual(given.map(idOf));
  });

  it('may name a placement only, or say what is not as usual', () => {
    const [short, long] = parseStrategies([
      { recipe: cut, placement: 'edge-cloud' },
      {
        name: 'slow',
        recipe: cut,
        placement: { name: 'mobile-edge', setup: { tiers: { edge: { speedFactor: 0.5 } } } },
      },
    ]);
    expect(short).toEqual({
      name: 'cut equal-size @ edge-cloud',
      recipe: cut,
      placement: { name: 'edge-cloud', sends: 'encoded-image', setup: DEFAULT_SETUP },
    });
    expect(long?.placement?.setup).toEqual({
      ...DEFAULT_SETUP,
      tiers: { ...DEFAULT_SETUP.tiers, edge: { speedFactor: 0.5, memoryLimitBytes: null } },
    });
    expect(parseStrategies(cut)).toEqual([{ name: 'cut equal-size', recipe: cut, placement: null }]);
    const [only] = parseStrategies({ name: 'a', recipe: cut, placement: 'cloud' });
    expect(only?.placement?.name).toBe('cloud');
  });

  it.each([
    ['edge-mobile', 'recipes[0].placement.name: found "edge-mobile"'],
    [{ name: 'edge', setup: { tiers: { edge: { speed: 2 } } } }, 'tiers.edge.speed: found an unknown field'],
    [
      { name: 'edge', setup: { links: { 'mobile-edge': { rttMs: -1 } } } },
      'links.mobile-edge.rttMs: found -1',
    ],
    [{ setup: {} }, 'recipes[0].placement.name: found nothing'],
    [[], 'recipes[0].placement: found []'],
  ])('says what is wrong with %j', (placement, message) => {
    expect(() => parseStrategies([{ recipe: cut, placement }])).toThrow(message);
  });
});
