import type { BrokenWindow, BrokenWindows } from './broken-windows.ts';
import { formatPromise, type WindowPromise } from './promise.ts';

/** Where a sliding counter admitted more than the exact log would have: nothing that it does not promise. */
export class BeyondExact {
  #buckets = 0;
  #mostTokens = 0;
  #worst: { readonly bucket: string; readonly window: BrokenWindow } | undefined;

  /** Of one bucket: the spans that an exact log would not have allowed. */
  add(bucket: string, { worst, mostTokens }: BrokenWindows): void {
    if (worst === undefined) return;
    this.#buckets++;
    if (mostTokens <= this.#mostTokens) return;
    this.#mostTokens = mostTokens;
    this.#worst = { bucket, window: worst };
  }

  /** A note; none where there is none. */
  sentences(promise: WindowPromise): string[] {
    if (this.#worst === undefined) return [];
    const { bucket, window } = this.#worst;
    const exact = formatPromise(exactOf(promise));
    const buckets = this.#buckets === 1 ? '1 bucket' : `${this.#buckets} buckets`;
    const length = `${(window.endUs - window.startUs + 1) / 1_000_000} s`;
    return [
      `${buckets} admitted more than ${exact}, the exact log, allows: ${window.admitted} tokens within ${length}, of ${bucket}, is the most; a sliding counter may`,
    ];
  }
}

/** The exact log of the same window. */
export function exactOf({ limit, windowUs }: WindowPromise): WindowPromise {
  return { type: 'sliding-window', limit, windowUs };
}
