/** The work of a fault after its injection. */
export interface Background {
  /** Stops it and waits for the step in progress. Throws its error, once. */
  stop(): Promise<void>;
}

/** Runs until it ends, is stopped or is aborted; the latter two make `wait` resolve early with `over`. */
export function inBackground(
  signal: AbortSignal,
  run: (wait: (ms: number) => Promise<'go on' | 'over'>) => Promise<void>,
): Background {
  const stopping = new AbortController();
  const over = AbortSignal.any([signal, stopping.signal]);
  const running = run(async (ms) => {
    if (!over.aborted) await waitOr(over, ms);
    return over.aborted ? 'over' : 'go on';
  });
  let failure: { readonly error: unknown } | undefined;
  const ended = running.catch((error: unknown) => {
    failure = { error };
  });
  return {
    async stop() {
      stopping.abort();
      await ended;
      const failed = failure;
      failure = undefined;
      if (failed !== undefined) throw failed.error;
    },
  };
}

function waitOr(over: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      over.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    over.addEventListener('abort', end);
  });
}
