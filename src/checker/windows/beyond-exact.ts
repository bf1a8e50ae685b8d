import { formatPromise, type WindowPromise } from '../../core/promise.ts';
import { type BrokenWindow, type BrokenWindows, lengthOf } from './broken-windows.ts';

/** Counts where a sliding counter admitted more than an exact log would have. Its promise allows that. */
export class BeyondExact {
  #buckets = 0;
  #mostTokens = 0;
  #worst: { readonly bucket: string; readonly window: BrokenWindow } | undefined;

  /** Adds the spans of one bucket that an exact log would not have allowed. */
  add(bucket: string, { worst, mostTokens }: BrokenWindows): void {
    if (worst === undefined) return;
    this.#buckets++;
    if (mostTokens <= this.#mostTokens) return;
    this.#mostTokens = mostTokens;
    this.#worst = { bucket, window: worst };
  }

  /** The note; empty if no bucket has such a span. */
  sentences(promise: WindowPromise): string[] {
    if (this.#worst === undefined) return [];
    const { bucket, window } = this.#worst;
    const exact = formatPromise(exactOf(promise));
    const buckets = this.#buckets === 1 ? '1 bucket' : `${this.#buckets} buckets`;
    const length = `${lengthOf(window) / 1_000_000} s`;
    return [
      `${buckets} admitted more than the exact log ${exact} allows, at most ${window.admitted} tokens within ${length} (${bucket}); a sliding counter may do so`,
    ];
  }
}

/** The exact log of the same window. */
export function exactOf({ limit, windowUs }: WindowPromise): WindowPromise {
  return { type: 'sliding-window', limit, windowUs };
}
