import { ok, type Result } from '../base/result.ts';
import { explainSlowness, type SlownessExplanation } from '../study/forms/explain-slowness.ts';
import type { ProfileProgress } from '../study/progress.ts';
import type { QuantizeOperator } from '../transforms/quantize/quantize-operator.ts';
import { type ProfileRequest, profileRuntimeNodes } from './profile-model.ts';

/**
 * Profiles the unchanged and the quantized model, and tells why that is not faster.
 * @param request with the ranges known that the operator needs
 * @param signal cancels at once
 */
export async function explainQuantized(
  request: Omit<ProfileRequest, 'arithmetic'>,
  operator: QuantizeOperator,
  signal: AbortSignal,
  onProgress: (progress: ProfileProgress) => void,
): Promise<Result<SlownessExplanation>> {
  const float = await profileRuntimeNodes({ ...request, arithmetic: [] }, signal, onProgress);
  if (!float.ok) return float;
  const quantized = await profileRuntimeNodes({ ...request, arithmetic: [operator] }, signal, onProgress);
  if (!quantized.ok) return quantized;
  return ok(explainSlowness(request.view, operator, float.value, quantized.value));
}
