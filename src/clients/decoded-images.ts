import type { Failure } from '../base/result.ts';
import type { DecodedImages } from '../protocol/engine-api.ts';

/** With more than this share of broken images, something is wrong with all. */
const MOST_UNDECODABLE = 0.05;

/**
 * Why a pass cannot be used: too many of its images could not be decoded. Null if it can.
 * @param what its images are: `calibration images`
 */
export function tooManyBroken(
  { imageIndices, undecodable }: DecodedImages,
  total: number,
  what: string,
): Failure | null {
  const broken = total - imageIndices.length;
  if (undecodable === null || broken <= MOST_UNDECODABLE * total) return null;
  return {
    ...undecodable,
    message: `Found ${broken} of ${total} ${what} that cannot be decoded, wanted at most ${100 * MOST_UNDECODABLE} %. The first: ${undecodable.message}`,
  };
}
