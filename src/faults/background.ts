/** What a fault goes on doing after it was injected. */
export interface Background {
  /** Ends it and waits for the step in progress. Throws what it failed with, once. */
  stop(): Promise<void>;
}

/** Runs until it is done, is stopped, or the signal comes; `wait` resolves early then, and says that it is over. */
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
      const told = failure;
      failure = undefined;
      if (told !== undefined) throw told.error;
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
