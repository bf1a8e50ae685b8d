/** A number with separated thousands and no needless digits. */
export function numberText(value: number, digits = 1): string {
  const most = Math.abs(value) >= 1_000 ? 0 : digits;
  return value.toLocaleString('en', { maximumFractionDigits: most });
}

/** Microseconds as seconds. */
export function secondsText(us: number, digits = 3): string {
  return `${(us / 1_000_000).toFixed(digits)} s`;
}

/** Tokens, with as many digits as a proof needs. */
export function tokensText(tokens: number): string {
  return String(Math.round(tokens * 1_000) / 1_000);
}
