/**
 * What a middleware states in its headers, for a plug-in. `get` gives the text of a header, or nothing. `remaining` and
 * `reset` are the names of two of them; a reset is in seconds from now, or since 1970 with `resetIs: 'date'`.
 */
export function statedIn(get, { remaining, reset, resetIs = 'wait' }) {
  const left = numberIn(get(remaining));
  const resetS = numberIn(get(reset));
  const retryS = numberIn(get('Retry-After'));
  return {
    ...(left !== undefined && { remaining: left }),
    ...(resetS !== undefined && { resetMs: sinceNow(resetS * 1_000, resetIs) }),
    ...(retryS !== undefined && { retryAfterMs: Math.max(0, retryS * 1_000) }),
  };
}

function numberIn(text) {
  const number = Number(text ?? Number.NaN);
  return Number.isFinite(number) ? number : undefined;
}

function sinceNow(ms, resetIs) {
  return Math.max(0, resetIs === 'date' ? ms - Date.now() : ms);
}
