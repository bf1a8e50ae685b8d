import type { Operation } from '../history/operation.ts';

/** A moment after the first answer, so that a few that came out of order decide nothing. */
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

  /** What was answered, and what to do; undefined while nothing was, and once one request was allowed or denied. */
  whyUseless(): string | undefined {
    if (this.#isUseful || this.#count === 0) return undefined;
    const seen = [...this.#times].sort(([, a], [, b]) => b - a);
    const shown = seen.slice(0, MOST_SHOWN).map(([what, times]) => `${what} (${times} times)`);
    const more = seen.length > MOST_SHOWN ? [`and ${seen.length - MOST_SHOWN} more`] : [];
    const todo =
      this.#answered.size === 0
        ? 'check the address, and that the service runs'
        : 'send credentials with --header, or say with --allow and --deny which statuses mean what';
    return `none of ${this.#count} requests was allowed or denied, so no more were sent; they ended with ${[...shown, ...more].join(', ')}: ${todo}`;
  }

  /** Calls back once, when nothing useful has come for a moment after the first answer. What it gives ends that. */
  start(onUseless: () => void): () => void {
    let waitedMs = 0;
    const timer = setInterval(() => {
      if (this.#count > 0) waitedMs += LOOK_EVERY_MS;
      if (waitedMs < PATIENCE_MS && !this.#isUseful) return;
      clearInterval(timer);
      if (!this.#isUseful) onUseless();
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
  let loadMs = 0;
  if (answers.whyUseless() === undefined) {
    const end = answers.start(() => stop.abort());
    loadMs = await send().finally(end);
  }
  const why = answers.whyUseless();
  if (why !== undefined) troubles.push(why);
  else if (stop.signal.aborted)
    troubles.push('the load was ended early: at first no request was allowed or denied');
  return loadMs;
}
