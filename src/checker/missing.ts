import { DROPPED_AT_MOST, type Measure } from './claim.ts';
import type { EvidenceRow } from './tally.ts';

/** Why a claim on this measure has no sample in a run or a phase, as far as its counts tell. */
export function missingFor(measure: Measure, row: EvidenceRow, noRequest: string): string | undefined {
  return row.operations + row.dropped === 0 ? noRequest : NEEDS[measure]?.(row);
}

const admission = ({ admitted }: EvidenceRow) => (admitted === 0 ? 'nothing was admitted' : undefined);
const request = ({ operations }: EvidenceRow) => (operations === 0 ? 'no request was sent' : undefined);

/** What was dropped would have waited longest: without it latencies are those of a smaller load. */
const delivery = ({ arrivals, dropped }: EvidenceRow) =>
  dropped > DROPPED_AT_MOST * arrivals
    ? `${dropped} of the ${arrivals} requests that were due were dropped: how long they would have waited is not known`
    : undefined;

const NEEDS: Partial<Record<Measure, (row: EvidenceRow) => string | undefined>> = {
  'total-excess': admission,
  'worst-window': admission,
  windows: admission,
  info: request,
  failed: request,
  dropped: ({ arrivals }) =>
    arrivals === 0 ? 'of a closed load no request is due at a time of its own' : undefined,
  p50: delivery,
  p99: delivery,
  max: delivery,
};
