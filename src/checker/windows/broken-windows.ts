import { Column } from '../rows/column.ts';
import type { PhasePiece } from './phases.ts';

/** A span that holds more tokens than the promise allows. */
export interface BrokenWindow {
  /** The first admission beyond the allowance. */
  readonly row: number;
  readonly startUs: number;
  readonly endUs: number;
  readonly allowance: number;
  readonly admitted: number;
  /** The most windows that the span can touch, where these are several. */
  readonly touches?: number;
  /** If it is unknown when windows start: the pieces of the proof, from start to start. */
  readonly pieces?: readonly PhasePiece[];
  /** The windows that are broken together, as refunds excuse each alone, and the most tokens that those can have returned. */
  readonly together?: { readonly windows: readonly BrokenWindow[]; readonly returned: number };
}

/** Microseconds. */
export function lengthOf({ startUs, endUs }: BrokenWindow): number {
  return endUs - startUs + 1;
}

/** The spans of one bucket that exceed the promise: the first, the worst, and the excess of each. */
export class BrokenWindows implements Iterable<{ readonly row: number; readonly tokens: number }> {
  readonly #rows = new Column();
  readonly #tokens = new Column();
  first: BrokenWindow | undefined;
  worst: BrokenWindow | undefined;
  /**
   * For windows that start with an operation: the fewest moments such that each span where an operation would have opened
   * a second window contains one. Undefined for other windows.
   */
  openings: number | undefined;
  #openedUs = Number.NEGATIVE_INFINITY;

  /**
   * Counts a window that exceeds its allowance. `openedWithin`, for windows that start with an operation: the span in
   * which an operation would have opened a second window, though no known one did. These windows are added in the order
   * of their ends.
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

  /** Greedy: the end of each span without a moment becomes one. */
  #addOpening({ fromUs, toUs }: { readonly fromUs: number; readonly toUs: number }): void {
    this.openings ??= 0;
    if (fromUs <= this.#openedUs) return;
    this.openings++;
    this.#openedUs = toUs;
  }

  get length(): number {
    return this.#rows.length;
  }

  /** The excess of the worst window. */
  get mostTokens(): number {
    return this.worst === undefined ? 0 : this.worst.admitted - this.worst.allowance;
  }

  *[Symbol.iterator]() {
    for (let at = 0; at < this.length; at++) yield { row: this.#rows.at(at), tokens: this.#tokens.at(at) };
  }
}
