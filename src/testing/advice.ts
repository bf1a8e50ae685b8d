import type { CheckReport } from '../checker/check.ts';
import type { Measure } from '../checker/claims/claim-list.ts';
import type { Recorded } from './taken.ts';
import type { Yardstick } from './yardstick.ts';

interface Case {
  readonly report: CheckReport;
  readonly recorded: Recorded;
  readonly yardstick: Yardstick;
}

/** What to change in the test, as sentences: for each kind of missing evidence, and for a finding that it may have caused. */
export function adviceOn(found: Case): readonly string[] {
  const { report, recorded } = found;
  if (report.sent === 0)
    return ['give the code under test what recordTakes returned, in place of what recordTakes was given'];
  if (report.verdict === 'unknown')
    return [...new Set(report.claims.flatMap((claim) => missing(claim, found)))];
  const isBelow = report.falseDenials.total + report.replay.total > 0;
  const isAbove = report.overAdmission.buckets + report.windows.buckets > 0;
  return [
    ...(isBelow && recorded.initial === 'full'
      ? [
          "it is judged as if every bucket was full at the start: if it was in use before, set initial: 'unknown' of recordTakes",
        ]
      : []),
    ...(isAbove && recorded.isOneBucket
      ? ['it is judged as if all requests share one bucket: if not, set bucket of recordTakes']
      : []),
  ];
}

function missing({ claim, status }: CheckReport['claims'][number], found: Case): readonly string[] {
  if (status !== 'unknown') return [];
  const [measure = ''] = /^[a-z0-9-]+/.exec(claim) ?? [];
  return ADVICE[measure as Measure]?.(found) ?? [];
}

const ADVICE: Partial<Record<Measure, (found: Case) => readonly string[]>> = {
  contested: drain,
  headroom,
  'total-excess': drain,
  windows: drain,
  'false-denials': ({ recorded }) =>
    recorded.initial === 'unknown'
      ? [
          "take once before the others, and wait for its answer: with initial: 'unknown' denials are judged from then on",
        ]
      : [],
  dishonest: () => [
    'record a limiter that states something: { allowed, remaining, retryAfterMs } as result of take, or headers of a reply',
  ],
  info: () => [
    'wait for every take before you judge; let a take that certainly charged nothing fail with charge: none; name further statuses in decide of recordTakes',
  ],
};

function drain({ yardstick: { policies, promise } }: Case): readonly string[] {
  const most = Math.max(...policies.map(({ policy }) => policy.capacityTokens));
  const least = promise.type === 'token-bucket' ? '' : ', within one window';
  return [
    `take from one bucket until it denies, without a wait in between${least}: more than ${most} tokens, for example Promise.all(Array.from({ length: ${most + 1} }, () => take()))`,
  ];
}

function headroom({ yardstick: { promise }, recorded: { clocks } }: Case): readonly string[] {
  if (promise.type === 'fixed-window' && promise.alignment === 'any')
    return [
      `say when a window begins: fixed-window:...:first, or :epoch for multiples of its length since 1970`,
    ];
  if (promise.type === 'fixed-window' && promise.alignment === 'epoch' && clocks !== 'one')
    return [
      'say how exact the clock of the limiter is: { clockSlackUs: 2_000 } if it reads Date of this machine; or fake Date, and set now of recordTakes',
    ];
  return [
    'the takes took so long that refill hides too much: take at once, and test a slower refill; or fake Date, and set now of recordTakes, so that no time passes',
  ];
}
