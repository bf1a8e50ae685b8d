import { count } from '../../core/units.ts';
import type { LatencyFigures } from '../evidence/histogram.ts';
import type { EvidenceRow } from '../evidence/tally.ts';
import type { Claim } from './claim.ts';
import { formatPercent } from './claim-limit.ts';
import type { Sample } from './sample.ts';

export function latencySample(measure: 'p50' | 'p99' | 'max', { outcome }: Claim, row: EvidenceRow): Sample {
  const figures: LatencyFigures | undefined = outcome === undefined ? row.latency.any : row.latency[outcome];
  const what = outcome ?? 'answered';
  if (figures === undefined) return { about: `no request was ${what}`, reason: `no request was ${what}` };
  const us = { p50: figures.p50Us, p99: figures.p99Us, max: figures.maxUs }[measure];
  return {
    measured: us,
    about: `${measure} of ${count(figures.count, 'request')} ${what} was ${(us / 1_000).toFixed(1)}ms`,
  };
}

export function throughputSample({ outcomes, lengthUs }: EvidenceRow): Sample {
  if (lengthUs <= 0) return { about: 'no time passed', reason: 'all requests fell into one moment' };
  const perSecond = ((outcomes.allowed + outcomes.denied) * 1_000_000) / lengthUs;
  return { measured: perSecond, about: `${Math.round(perSecond)} requests/s were allowed or denied` };
}

/** The share of due requests that an open load never sent. */
export function droppedSample({ limit }: Claim, { dropped, arrivals }: EvidenceRow): Sample {
  const share = dropped / arrivals;
  return {
    measured: share,
    about: `${formatPercent(share, limit)} of the ${arrivals} requests that were due were dropped`,
    wayOut: 'give the load more connections or a lower rate',
  };
}
