import { Column } from './column.ts';
import type { PhasePiece } from './window-phases.ts';

/** A span that holds more than is promised. Tokens. */
export interface BrokenWindow {
  /** The admission that was one too many. */
  readonly row: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly allowance: number;
  readonly admitted: number;
  /** Where it is not known when windows start: what one holds, from start to start. */
  readonly pieces?: readonly PhasePiece[];
}

/** The spans of one bucket that hold more than is promised: the first and the worst of them, and of all the excess. */
export class BrokenWindows implements Iterable<{ readonly row: number; readonly tokens: number }> {
  readonly #rows = new Column();
  readonly #tokens = new Column();
  first: BrokenWindow | undefined;
  worst: BrokenWindow | undefined;
  /**
   * Of windows that start with an operation: the fewest moments of which one lies in each span where an operation would
   * have opened a second window. Undefined of others.
   */
  openings: number | undefined;
  #openedUs = Number.NEGATIVE_INFINITY;

  /**
   * Counts one where it holds more than its allowance. `openedWithin` is where an operation would have opened a second
   * window, of windows that start with one; none that is known did. These are added by their ends.
   */
  add(window: BrokenWindow, openedWithin?: { readonly fromUs: number; readonly toUs: number }): void {
    const tokens = window.admitted - window.allowance;
    if (tokens <= 0) return;
    if (openedWithin !== undefined) this.#addOpening(openedWithin);
    this.#rows.add(window.row);
    this.#tokens.add(tokens);
    this.first ??= window;
    if (tokens > this.mostTokens) this.worst = window;
  }

  /** The end of the first that has no moment yet is one, again and again. */
  #addOpening({ fromUs, toUs }: { readonly fromUs: number; readonly toUs: number }): void {
    this.openings ??= 0;
    if (fromUs <= this.#openedUs) return;
    this.openings++;
    this.#openedUs = toUs;
  }

  get length(): number {
    return this.#rows.length;
  }

  /** By how much the worst of them is above its allowance. */
  get mostTokens(): number {
    return this.worst === undefined ? 0 : this.worst.admitted - this.worst.allowance;
  }

  *[Symbol.iterator]() {
    for (let at = 0; at < this.length; at++) yield { row: this.#rows.at(at), tokens: this.#tokens.at(at) };
  }
}
