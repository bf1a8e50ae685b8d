import type { LimitUnit } from './claim-limit.ts';

/**
 * The effect of a broken claim. Correctness: the run fails. Evidence: it is `unknown`. Performance: an exit code of its
 * own.
 */
export type ClaimKind = 'correctness' | 'evidence' | 'performance';

export interface MeasureFacts {
  readonly kind: ClaimKind;
  readonly operator: '<=' | '>=';
  readonly units: readonly LimitUnit[];
  /** Whether a claim can name a phase. */
  readonly ofPhase: boolean;
  /** Completes "at most 5 ...". */
  readonly about: string;
  /** The same of a share, if a claim can give an amount or a share. */
  readonly aboutShare?: string;
  /** What a count counts, where the finding does not say it. */
  readonly noun?: string;
  /** What a share is of, as the claim has it after its limit. */
  readonly of?: string;
}

const EXCESS = { kind: 'correctness', operator: '<=', units: ['tokens', 'share', 'bound'] } as const;
const COUNT = { kind: 'correctness', operator: '<=', units: ['count'] } as const;
const SHARE = { kind: 'evidence', operator: '<=', units: ['share'], ofPhase: true } as const;
const LATENCY = { kind: 'performance', operator: '<=', units: ['time'], ofPhase: true } as const;

/** Every measure that a claim can name. */
export const MEASURES = {
  'total-excess': {
    ...EXCESS,
    ofPhase: true,
    about: 'admitted beyond an ideal bucket, for any one bucket',
    aboutShare:
      'more admitted than an ideal bucket would have admitted of the same requests, for any one bucket',
  },
  'worst-window': {
    ...EXCESS,
    ofPhase: false,
    about: 'admitted in any one window beyond capacity + refill * its length',
    aboutShare: 'more admitted in any one window than capacity + refill * its length',
  },
  'false-denials': {
    ...COUNT,
    units: ['count', 'share'],
    ofPhase: true,
    about: 'requests denied although the bucket held the cost at every moment',
    aboutShare:
      'of the requests that an ideal bucket would have admitted denied although the bucket held the cost at every moment, for any one bucket',
  },
  replay: { ...COUNT, ofPhase: true, about: 'decisions that do not match the token math' },
  windows: {
    ...COUNT,
    ofPhase: false,
    about: 'windows that admitted more than promised',
    noun: 'window',
  },
  admitted: {
    kind: 'correctness',
    operator: '>=',
    units: ['share'],
    ofPhase: false,
    of: 'ideal',
    about: 'of what every limiter of the promise must admit of the same requests admitted, in any one bucket',
  },
  dishonest: {
    ...COUNT,
    ofPhase: true,
    about: 'stated values (remaining, Retry-After, reset, policy) that cannot be true',
    noun: 'stated value',
  },
  info: { ...SHARE, about: 'of the requests have an unknown charge' },
  failed: { ...SHARE, about: 'of the requests are not decided' },
  dropped: {
    ...SHARE,
    about: 'of the due requests are never sent, because every connection is busy',
  },
  contested: {
    kind: 'evidence',
    operator: '>=',
    units: ['share', 'count'],
    ofPhase: false,
    about: 'drained and denying',
  },
  sides: {
    kind: 'evidence',
    operator: '>=',
    units: ['share', 'count'],
    ofPhase: false,
    about: 'sides (regions, targets, instances) seen to count together',
    aboutShare: 'of the sides (regions, targets, instances) seen to count together',
  },
  exercised: {
    kind: 'evidence',
    operator: '>=',
    units: ['share'],
    ofPhase: false,
    about:
      'of what the load asks (costs, policies, rests, returns after faults) seen to matter at a drained bucket',
  },
  headroom: {
    ...SHARE,
    ofPhase: false,
    about: 'of the capacity of the median contested bucket could have been admitted unseen',
  },
  p50: { ...LATENCY, about: 'latency for half of the requests' },
  p99: { ...LATENCY, about: 'latency for 99 of 100 requests' },
  max: { ...LATENCY, about: 'latency of any request' },
  throughput: {
    kind: 'performance',
    operator: '>=',
    units: ['rate'],
    ofPhase: true,
    about: 'allowed or denied',
  },
} as const satisfies Record<string, MeasureFacts>;

export type Measure = keyof typeof MEASURES;

export type CorrectnessMeasure = {
  [Name in Measure]: (typeof MEASURES)[Name]['kind'] extends 'correctness' ? Name : never;
}[Measure];
