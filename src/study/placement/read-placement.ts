import { InputError } from '../../base/result.ts';
import { perhaps } from '../../transforms/nearest-name.ts';
import { isObject, refuseUnknownFields } from '../../transforms/parse-fields.ts';
import {
  amount,
  list,
  nullable,
  object,
  oneOf,
  optional,
  positive,
  type Reader,
  text,
} from '../json-reader.ts';
import {
  DEFAULT_SETUP,
  type Link,
  type MeasuredThere,
  PLACEMENT_NAMES,
  type TierPlacement,
  type TierSetup,
  type TierSpec,
} from './tiers.ts';

const readTier = object<TierSpec>({
  speedFactor: positive,
  memoryLimitBytes: nullable(amount),
  measured: optional(
    object<MeasuredThere>({
      device: text,
      source: oneOf('recipe', 'nodes'),
      segmentMs: list(amount),
      decodeMs: amount,
      preprocessMs: amount,
      postprocessMs: amount,
    }),
  ),
});
const readLink = object<Link>({ bandwidthMbps: positive, rttMs: amount, jitterMs: amount });

const readTierSetup = object<TierSetup>({
  tiers: object<TierSetup['tiers']>({ mobile: readTier, edge: readTier, cloud: readTier }),
  links: object<TierSetup['links']>({ 'mobile-edge': readLink, 'edge-cloud': readLink }),
});

/** A placement with all its tiers and links, as study.json has it. */
export const readPlacement = object<TierPlacement>({
  name: oneOf(...PLACEMENT_NAMES),
  sends: oneOf('encoded-image', 'input-tensor'),
  setup: readTierSetup,
});

/**
 * A placement as people write it: its name, or an object whose `sends` and `setup` may leave out what is as usual.
 * @throws InputError `recipe-invalid` naming the path, what was found and what was wanted
 */
export const readGivenPlacement: Reader<TierPlacement> = (json, path) => {
  const given = typeof json === 'string' ? { name: json } : json;
  const usual = { name: undefined, sends: 'encoded-image', setup: DEFAULT_SETUP };
  try {
    return readPlacement(completed(given, usual, path), path);
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    const { hint: _hint, ...failure } = thrown.failure;
    const found = typeof json === 'string' ? perhaps(json, PLACEMENT_NAMES) : '';
    throw new InputError({
      ...failure,
      code: 'recipe-invalid',
      message: `${failure.message}${found}`,
      hint: 'A placement is a name such as "mobile-edge", or {"name", "sends", "setup"} as in study.json.',
    });
  }
};

/** What was given, with the usual for all that is left out. */
function completed(given: unknown, usual: unknown, path: string): unknown {
  if (given === undefined) return usual;
  if (!isObject(given) || !isObject(usual)) return given;
  const known = [...Object.keys(usual), ...('speedFactor' in usual ? ['measured'] : [])];
  refuseUnknownFields(given, known, path);
  return Object.fromEntries(
    known.map((name) => [name, completed(given[name], usual[name], `${path}.${name}`)]),
  );
}
