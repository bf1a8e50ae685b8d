import { printable } from '../../core/printable.ts';
import type { Event } from '../../history/records/operation.ts';

/** The event by which a run says what it saw of a fault. */
export const PROOF = 'proof';

/** A sentence for each fault that was looked at and not seen, or that concerned no key: the run shows nothing of it. */
export function unprovedFaults(events: readonly Event[]): string[] {
  return events
    .filter(({ event }) => event === PROOF)
    .flatMap(({ args: { fault, bit, saw, noKey } = {} }) => {
      if (bit === false) return [`${text(fault)} changed nothing that its probe could see: ${text(saw)}`];
      return noKey === undefined ? [] : [`${text(fault)} concerned no bucket: ${text(noKey)}`];
    });
}

function text(value: unknown): string {
  return printable(typeof value === 'string' ? value : String(value));
}
