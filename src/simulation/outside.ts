import { type Event, OUTSIDE_EVENT } from '../history/records/operation.ts';

/** What a plug-in used that is not of the simulation. */
export interface OutsideUse {
  /** As its code names it. */
  readonly used: string;
  /** What to do instead: a verb first. */
  readonly instead: string;
  /** It changes no verdict: the plug-in decides as it may decide in a real run. */
  readonly harmless?: true;
  /** It was not seen itself, but that the same seed gave another history. */
  readonly difference?: Difference;
}

/** The first record that differs between two runs of one seed. */
export interface Difference {
  /** The line of the history. */
  readonly line: number;
  /** The record from about its first differing byte on, in each of the two. */
  readonly first: string;
  readonly second: string;
}

/** What a plug-in has used outside its simulation, each thing once. */
export class OutsideUses {
  readonly #found = new Map<string, OutsideUse>();
  readonly #listeners = new Set<(use: OutsideUse) => void>();

  has(used: string): boolean {
    return this.#found.has(used);
  }

  /** Whether nothing is judged of the run. */
  get areHarmful(): boolean {
    return [...this.#found.values()].some(({ harmless }) => harmless !== true);
  }

  add(use: OutsideUse): void {
    if (this.has(use.used)) return;
    this.#found.set(use.used, use);
    for (const call of this.#listeners) call(use);
  }

  /** Calls back with each use, also with earlier ones, until the returned function is called. */
  onUse(call: (use: OutsideUse) => void): () => void {
    for (const use of this.#found.values()) call(use);
    this.#listeners.add(call);
    return () => void this.#listeners.delete(call);
  }
}

/** The program that runs a plug-in in its own process. */
export interface PluginHost {
  readonly outside: OutsideUses;
  /** Gets the errors of the plug-in, as a service logs them. */
  log(text: string): void;
  /** All copies of its modules are loaded, with these imports. */
  onLoaded(urls: readonly string[]): void;
  /** A part of the run begins again: the log has it already. */
  onRepeat(): void;
}

/** Keeps and shows nothing. */
export function quietHost(outside = new OutsideUses()): PluginHost {
  return { outside, log: () => {}, onLoaded: () => {}, onRepeat: () => {} };
}

export function outsideRecord({ used, harmless, difference }: OutsideUse, atUs: number): Event {
  const args = { used, ...(harmless && { harmless }), ...difference };
  return { type: 'event', event: OUTSIDE_EVENT, atUs, args };
}
