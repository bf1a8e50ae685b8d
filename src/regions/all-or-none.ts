/** Waits for all; when one fails the others are told to stop, so that nothing is under way once this has settled. */
export async function allOrNone<T>(
  signal: AbortSignal,
  start: (stop: AbortSignal) => readonly Promise<T>[],
): Promise<T[]> {
  const failed = new AbortController();
  const starting = start(AbortSignal.any([signal, failed.signal]));
  for (const each of starting) each.catch((error: unknown) => failed.abort(error));
  await Promise.allSettled(starting);
  if (failed.signal.aborted) throw failed.signal.reason;
  return Promise.all(starting);
}
