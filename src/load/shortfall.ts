/** How tokens come back: so many each microsecond, none within the first `spanUs`. */
export interface Refill {
  readonly perUs: number;
  readonly spanUs: number;
}

/**
 * The most that one bucket is asked for in any time [s, t], less what comes back in it: max over s of
 * asked[s, t] - perUs * max(0, t - s - spanUs). A full bucket of that many tokens could admit all of it, even if what is
 * asked within `spanUs` comes at once. With an endless `perUs` that is what a window of `spanUs` is asked for.
 */
export class Shortfall {
  readonly #refill: Refill;
  /** Asked within the last `spanUs`, the oldest first; those before `#first` are in `#debt`. */
  readonly #recent: { readonly atUs: number; readonly tokens: number }[] = [];
  #first = 0;
  #recentTokens = 0;
  /** What was asked earlier, less what came back by `#debtUs`. */
  #debt = 0;
  #debtUs = 0;

  constructor(refill: Refill) {
    this.#refill = refill;
  }

  /** The tokens for the times that end now, with a request for `tokens`. Times must not decrease. */
  ask(atUs: number, tokens: number): number {
    const sinceUs = atUs - this.#refill.spanUs;
    for (let next = this.#recent[this.#first]; next !== undefined && next.atUs < sinceUs; ) {
      this.#debt = this.#debtAt(next.atUs) + next.tokens;
      this.#debtUs = next.atUs;
      this.#recentTokens -= next.tokens;
      next = this.#recent[++this.#first];
    }
    this.#recent.push({ atUs, tokens });
    this.#recentTokens += tokens;
    return this.#debtAt(Math.max(sinceUs, this.#debtUs)) + this.#recentTokens;
  }

  #debtAt(atUs: number): number {
    return Math.max(0, this.#debt - this.#refill.perUs * (atUs - this.#debtUs));
  }
}
