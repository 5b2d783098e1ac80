import type { Result } from '../base/result.ts';
import type { FormFigure } from '../study/forms/form-figures.ts';
import type { Provider } from '../study/trial.ts';

export interface ProbeRequest {
  readonly provider: Provider;
  readonly threads: number;
  /** No further round is begun after it, and not even the first where making sessions took twice as long. */
  readonly budgetMs: number;
  /** At most; fewer where medians are well known before. */
  readonly rounds: number;
}

/** Served by `workers/probe.ts` (implementation `src/engine/probe-service.ts`). One probe per worker. */
export interface ProbeApi {
  /**
   * Times the probe's models in every form, in rounds of random order.
   * @param onProgress share done, from 0 to 1
   */
  probe(request: ProbeRequest, onProgress: (share: number) => void): Promise<Result<readonly FormFigure[]>>;
}
