import type { Operation } from '../history/operation.ts';

/** So many answers, and so long after the first: an error or two at the start decide nothing. */
const LEAST_ANSWERS = 5;
const PATIENCE_MS = 500;
const LOOK_EVERY_MS = 50;
const MOST_SHOWN = 5;

/** The answers of what is audited: whether any says something about its buckets, and whether there are any. */
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

  /** What became of the last request to a region that answered none; undefined where it answered, or was not asked. */
  silenceOf(region: string): string | undefined {
    return this.#answered.has(region) ? undefined : this.#lost.get(region);
  }

  /** What was answered, and what to do; undefined while little was, and once one request was allowed or denied. */
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
        : 'send credentials with --header, or say with --allow and --deny which statuses mean what';
    return `none of ${this.#count} requests was allowed or denied, so no more were sent; they ended with ${[...shown, ...more].join(', ')}: ${todo}`;
  }

  /** Calls back once, with why, when nothing useful has come for a moment after the first answer. The undo ends it. */
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
 * Sends a load while its answers say something: not at all where those of the warm-up did not, and no longer than a
 * moment where its own do not. Why it ended becomes a trouble.
 */
export async function whileUseful(
  answers: AnswerWatch | undefined,
  stop: AbortController,
  troubles: string[],
  send: () => Promise<number>,
): Promise<number> {
  if (answers === undefined) return send();
  const ofWarmUp = answers.whyUseless();
  if (ofWarmUp !== undefined) {
    troubles.push(ofWarmUp);
    return 0;
  }
  let why: string | undefined;
  const end = answers.start((found) => {
    why = found;
    stop.abort();
  });
  const loadMs = await send().finally(end);
  if (why !== undefined) troubles.push(answers.whyUseless() ?? why); // with what was answered since
  return loadMs;
}
