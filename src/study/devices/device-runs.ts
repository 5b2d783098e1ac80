import { grouped } from '../../base/grouped.ts';
import { deviceIdOf, deviceNameOf, type StrategyFacts } from '../compare/strategy-facts.ts';
import { distinctlyNamed } from '../../transforms/recipe-name.ts';
import type { Environment, Study, Trial } from '../trial.ts';

/** What one study measured on one device: a column beside those of others. Samples of two are never pooled. */
export interface DeviceRun {
  readonly id: string;
  /** For people; no two that are compared have the same. */
  readonly name: string;
  readonly deviceId: string;
  readonly study: Omit<Study, 'trials'>;
  readonly environment: Environment;
  readonly trials: readonly Trial[];
}

/**
 * The devices of studies, in order; a study that went on elsewhere has several. Repeated studies of one device stay
 * apart: they show how far a device agrees with itself.
 */
export function deviceRuns(studies: readonly Study[]): readonly DeviceRun[] {
  const runs = studies.flatMap(({ trials, ...study }, at): readonly DeviceRun[] => {
    const byDevice = grouped(trials, ({ environment }) => deviceIdOf(environment));
    return [...byDevice].map(([deviceId, some]) => {
      const environment = (some[0] as Trial).environment;
      const own = [deviceNameOf(environment), ...browserName(environment.userAgent)].join(', ');
      const name = study.deviceName ?? own;
      return {
        // Two files may hold the same study.
        id: `${at}-${study.id}-${deviceId}`,
        // The name that the user gave cannot tell devices of one study apart.
        name: study.deviceName !== undefined && byDevice.size > 1 ? `${name}: ${own}` : name,
        deviceId,
        study,
        environment,
        trials: some,
      };
    });
  });
  return distinctlyNamed(runs);
}

/**
 * Facts under the names that users gave devices: two of one make are told apart by them.
 * @param studies that the facts are of
 */
export function withDeviceNames(
  all: readonly StrategyFacts[],
  studies: readonly Pick<Study, 'id' | 'deviceName'>[],
): readonly StrategyFacts[] {
  const names = new Map(studies.map(({ id, deviceName }) => [id, deviceName]));
  return all.map((facts) => {
    const deviceName = names.get(facts.studyId);
    return deviceName === undefined
      ? facts
      : { ...facts, deviceName, deviceId: `${facts.deviceId} ${deviceName}` };
  });
}

/** In this order: browsers call themselves by the names of those that they build on, too. */
const BROWSERS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Firefox', /(?:Firefox|FxiOS)\/(\d+)/],
  ['Edge', /Edg(?:A|iOS)?\/(\d+)/],
  ['Samsung Internet', /SamsungBrowser\/(\d+)/],
  ['Opera', /OPR\/(\d+)/],
  ['Chrome', /(?:Chrome|CriOS)\/(\d+)/],
  ['Safari', /Version\/(\d+)[\d.]* (?:Mobile\/\w+ )?Safari/],
];

/** `Chrome 156`; none where the text tells none. */
export function browserName(userAgent: string): readonly string[] {
  for (const [name, pattern] of BROWSERS) {
    const version = pattern.exec(userAgent)?.[1];
    if (version !== undefined) return [`${name} ${version}`];
  }
  return [];
}
