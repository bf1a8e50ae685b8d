import type { Operation } from '../../history/records/operation.ts';

/** The least answers, and the least time after the first, before a load is stopped: early errors do not count. */
const LEAST_ANSWERS = 5;
const PATIENCE_MS = 500;
const LOOK_EVERY_MS = 50;
const MOST_SHOWN = 5;

/** Watches the answers of an audited system: whether there are any, and whether any was allowed or denied. */
export class AnswerWatch {
  readonly #times = new Map<string, number>();
  readonly #answered = new Set<string>();
  readonly #lost = new Map<string, string>();
  #count = 0;
  #isUseful = false;

  add({ outcome, status, error = '', region }: Operation): void {
    if (this.#isUseful && this.#answered.has(region)) return;
    if (status === undefined) this.#lost.set(region, error);
    else this.#answered.add(region);
    this.#isUseful ||= outcome === 'allowed' || outcome === 'denied';
    const what = String(status ?? error);
    this.#count++;
    this.#times.set(what, (this.#times.get(what) ?? 0) + 1);
  }

  /** The error of the last request to a region that never answered; undefined if it answered or got no request. */
  silenceOf(region: string): string | undefined {
    return this.#answered.has(region) ? undefined : this.#lost.get(region);
  }

  /** The results so far, and what to do; undefined after too few answers, and once a request was allowed or denied. */
  whyUseless(): string | undefined {
    if (this.#isUseful || this.#count < LEAST_ANSWERS) return undefined;
    const seen = [...this.#times].sort(([, a], [, b]) => b - a);
    const shown = seen
      .slice(0, MOST_SHOWN)
      .map(([what, times]) => `${what} (${times === 1 ? 'once' : `${times} times`})`);
    const more = seen.length > MOST_SHOWN ? [`and ${seen.length - MOST_SHOWN} more`] : [];
    const todo =
      this.#answered.size === 0
        ? 'check the address, and that the service runs'
        : 'send credentials with --header, or set --allow and --deny to the statuses of this service';
    return `none of ${this.#count} requests was allowed or denied, so sending stopped; results: ${[...shown, ...more].join(', ')}; ${todo}`;
  }

  /** Calls back once, with the reason, if no useful answer comes soon after the first. Gives a function to stop. */
  start(onUseless: (why: string) => void): () => void {
    let waitedMs = 0;
    const timer = setInterval(() => {
      if (this.#count > 0) waitedMs += LOOK_EVERY_MS;
      const why = waitedMs < PATIENCE_MS ? undefined : this.whyUseless();
      if (why === undefined && !this.#isUseful) return;
      clearInterval(timer);
      if (why !== undefined) onUseless(why);
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }
}

/**
 * Sends a load while its answers are useful: not at all if those of the warm-up were not, and only for a moment if its
 * own are not. The reason is added to `problems`.
 */
export async function whileUseful(
  answers: AnswerWatch | undefined,
  stop: AbortController,
  problems: string[],
  send: () => Promise<number>,
): Promise<number> {
  if (answers === undefined) return send();
  const ofWarmUp = answers.whyUseless();
  if (ofWarmUp !== undefined) {
    problems.push(ofWarmUp);
    return 0;
  }
  let why: string | undefined;
  const end = answers.start((found) => {
    why = found;
    stop.abort();
  });
  const loadMs = await send().finally(end);
  if (why !== undefined) problems.push(answers.whyUseless() ?? why); // with the answers since then
  return loadMs;
}
