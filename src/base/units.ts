/** Bytes for people: `241 MB`, `26.6 kB` (decimal units, as file managers show them). */
export function formatBytes(bytes: number): string {
  return formatScaled(bytes, ['B', 'kB', 'MB', 'GB', 'TB'], 1000);
}

/** Counts for people: `60.1 M`, `11.5 G`. */
export function formatCount(count: number): string {
  return formatScaled(count, ['', 'k', 'M', 'G', 'T'], 1000).trim();
}

/** Milliseconds for people: `0.42 ms`, `118 ms`, `2.4 s`, `1 min 42 s`. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  if (ms < 1000) return `${threeDigits(ms)} ms`;
  if (ms < 60_000) return `${threeDigits(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A share in [0, 1] as a percentage with one decimal: `82.5 %`. */
export function formatShare(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : '–';
}

/** The same with a capital in front. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A signal's power over that of the noise on it; Infinity without noise, 0 where both are nothing. */
export function decibels(signal: number, noise: number): number {
  if (noise === 0) return signal === 0 ? 0 : Infinity;
  return 10 * Math.log10(signal / noise);
}

function formatScaled(value: number, units: readonly string[], step: number): string {
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= step && unit < units.length - 1) {
    scaled /= step;
    unit++;
  }
  return `${unit === 0 ? Math.round(scaled) : threeDigits(scaled)} ${units[unit]}`;
}

function threeDigits(value: number): string {
  const magnitude = Math.abs(value);
  return value.toFixed(magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : 2);
}
