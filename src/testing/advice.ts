import type { CheckReport } from '../checker/check.ts';
import type { Measure } from '../checker/claims/claim-list.ts';
import { groupBy } from '../core/group-by.ts';
import { formatPromise, provesDenials, type WindowPromise } from '../core/promise.ts';
import { onlyCost } from './take-history.ts';
import type { Recorded, Taken } from './taken.ts';
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
    return [
      'give the code under test what recordTakes returned, in place of what recordTakes was given; call history() after the takes, and wait for them before',
    ];
  if (report.verdict === 'unknown')
    return [...new Set(report.claims.flatMap((claim) => missing(claim, found)))];
  const isBelow = report.falseDenials.total + report.replay.total > 0;
  const isAbove = report.overAdmission.buckets + report.windows.buckets > 0;
  const isLocked = report.claims.some(
    ({ claim, status }) => status === 'broken' && claim.startsWith('admitted'),
  );
  return [
    ...(isLocked
      ? ['if the limiter also counts what it denies, and that is intended: { falseDenials: Infinity }']
      : []),
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

function drain({ recorded, yardstick: { policies, promise } }: Case): readonly string[] {
  if (promise.type !== 'token-bucket' && !provesDenials(promise)) {
    const tooFew = admittedTooFew(recorded, promise);
    if (tooFew !== undefined) return [tooFew];
  }
  const most = Math.max(...policies.map(({ policy }) => policy.capacityTokens));
  const least = promise.type === 'token-bucket' ? '' : ', within one window';
  return [
    `take from one bucket until it denies, without a wait in between${least}: more than ${most} tokens, for example Promise.all(Array.from({ length: ${most + 1} }, () => take()))`,
  ];
}

/** Of a limiter that denied, and never admitted what the promise allows: more takes would show no more. */
function admittedTooFew({ taken }: Recorded, { limit, windowUs }: WindowPromise): string | undefined {
  const denied = new Set(taken.filter(({ outcome }) => outcome === 'denied').map(({ bucket }) => bucket));
  const ofDenied = taken.filter(({ bucket, sign }) => sign > 0 && denied.has(bucket));
  const admitted = Math.max(
    ...[...groupBy(ofDenied, ({ bucket }) => bucket).values()].map((each) => mostAdmitted(each, windowUs)),
  );
  if (denied.size === 0 || admitted >= limit) return undefined;
  const sliding = formatPromise({ type: 'sliding-window', limit, windowUs });
  return `takes were denied, though no more than ${admitted} of ${limit} tokens were admitted in any window of their bucket; whether a denial was right does not follow from this promise. If all takes of a bucket are of one window, toKeepPromise('${sliding}') judges the denials too`;
}

/** The most tokens of one bucket whose admissions may lie within one window. */
function mostAdmitted(taken: readonly Taken[], windowUs: number): number {
  const admitted = taken
    .filter(({ outcome }) => outcome === 'allowed' || outcome === 'info')
    .toSorted((a, b) => a.invokedUs - b.invokedUs);
  let [most, tokens, from] = [0, 0, 0];
  for (const { invokedUs, cost } of admitted) {
    for (let first = admitted[from]; first !== undefined; first = admitted[++from]) {
      if ((first.completedUs ?? Number.POSITIVE_INFINITY) + windowUs > invokedUs) break;
      tokens -= onlyCost(first.cost);
    }
    tokens += onlyCost(cost);
    most = Math.max(most, tokens);
  }
  return most;
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
