import type { Subject } from '../../limiter.ts';

/** With fewer first takes in two windows, tokens that are borrowed for nothing cost too few calls to matter. */
const FEW = 100;

/**
 * Counts how many users come again soon. With very many users most come once: tokens that were borrowed ahead for them
 * would cost a second call each, which returns them.
 */
export class ReturningUsers {
  #window = 0;
  /** First and second takes in a row: of this window, and half of those before. */
  #first = 0;
  #second = 0;
  /** Users whose bucket is not kept, by endpoint: of this window, and of the one before. */
  #recent = new Map<string, Set<string>>();
  #before = new Map<string, Set<string>>();

  note(takesInRow: number, window: number): void {
    this.#turn(window);
    if (takesInRow === 1) this.#first++;
    if (takesInRow === 2) this.#second++;
  }

  /** Whether at least half of the users who came came again. True of few. */
  get areMost(): boolean {
    return this.#first < FEW || 2 * this.#second >= this.#first;
  }

  /** Notes the first take of a user whose bucket is not kept; false if there was one in this window or the one before. */
  addFirst({ endpoint, user }: Subject, window: number): boolean {
    this.#turn(window);
    if (this.hasRecent({ endpoint, user })) return false;
    const users = this.#recent.get(endpoint);
    if (users === undefined) this.#recent.set(endpoint, new Set([user]));
    else users.add(user);
    this.#first++;
    return true;
  }

  hasRecent({ endpoint, user }: Subject): boolean {
    return this.#recent.get(endpoint)?.has(user) === true || this.#before.get(endpoint)?.has(user) === true;
  }

  #turn(window: number): void {
    if (window === this.#window) return;
    this.#before = window === this.#window + 1 ? this.#recent : new Map();
    this.#recent = new Map();
    this.#window = window;
    this.#first /= 2;
    this.#second /= 2;
  }
}
