import type { EvidenceRow } from '../evidence/tally.ts';
import { DROPPED_AT_MOST } from './claim.ts';
import type { Measure } from './claim-list.ts';

/** The reason, by its counts, why a run or a phase has no sample for a measure. */
export function missingFor(measure: Measure, row: EvidenceRow, noRequest: string): string | undefined {
  return row.operations + row.dropped === 0 ? noRequest : NEEDS[measure]?.(row);
}

const admission = ({ admitted }: EvidenceRow) => (admitted === 0 ? 'nothing was admitted' : undefined);
const request = ({ operations }: EvidenceRow) => (operations === 0 ? 'no request was sent' : undefined);

/** Dropped requests would have had the highest latencies: without them, the latencies are those of a smaller load. */
const delivery = ({ arrivals, dropped }: EvidenceRow) =>
  dropped > DROPPED_AT_MOST * arrivals
    ? `${dropped} of the ${arrivals} requests that were due were dropped, so their latency is unknown`
    : undefined;

const NEEDS: Readonly<Record<Measure, ((row: EvidenceRow) => string | undefined) | undefined>> = {
  'total-excess': admission,
  'worst-window': admission,
  'false-denials': undefined,
  replay: undefined,
  windows: admission,
  admitted: undefined,
  dishonest: undefined,
  info: request,
  failed: request,
  dropped: ({ arrivals }) =>
    arrivals === 0 ? 'a closed load has no due times, so it cannot drop requests' : undefined,
  contested: undefined,
  sides: undefined,
  exercised: undefined,
  headroom: undefined,
  p50: delivery,
  p99: delivery,
  max: delivery,
  throughput: undefined,
};
