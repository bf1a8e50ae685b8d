import { makePolicy, type Policy } from '../../../src/core/policy.ts';
import { type ClockPlan, drawClock } from './clocks.ts';
import { Dice } from './dice.ts';

/** What one history is of; all of it drawn from the seed. Times in microseconds. */
export interface Plan {
  readonly seed: number;
  readonly form: 'own' | 'csv' | 'access-log';
  readonly limiter: 'bucket' | 'sliding' | 'epoch' | 'first' | 'timer';
  readonly promise: string;
  readonly policies: readonly Policy[];
  /** Of a window. */
  readonly windowUs: number;
  /** What passes between two requests, on average. */
  readonly stepUs: number;
  /** What a rest of all requests takes: a bucket fills up, a window ends. */
  readonly restUs: number;
  readonly requests: number;
  readonly buckets: number;
  readonly regions: number;
  readonly mostCost: number;
  readonly latency: { readonly us: number; readonly shape: 'bounded' | 'exponential' | 'heavy-tailed' };
  readonly rates: Rates;
  readonly hasLevels: boolean;
  readonly clock: ClockPlan;
  /** What the recorder's clock shows at the start. */
  readonly originUs: number;
  readonly recording: Recording;
}

/** Shares of the requests. */
export interface Rates {
  /** A cost of 0, or above what any bucket holds. */
  readonly odd: number;
  readonly refund: number;
  readonly reset: number;
  readonly several: number;
  readonly retry: number;
  readonly repeat: number;
  readonly double: number;
  readonly lost: number;
  readonly fallback: number;
}

/** What becomes of the history before it is judged. */
export interface Recording {
  readonly starts: 'full' | 'in mid-traffic';
  /** The recorder stops while requests are in flight. */
  readonly isStopped: boolean;
  readonly cut: 'nowhere' | 'between lines' | 'in a line';
  readonly files: 1 | 2;
  readonly isShuffled: boolean;
}

const RATES = ['1/s', '5/s', '10/s', '100/min', '7/s', '1/7s', '3/1ms', '50/s', '0.3/s', '100/s', '1/d'];
const ODD_RATES = ['99991/s', '1/us', '13/17s', '1000/s'];
const CAPACITIES = [1, 1, 2, 3, 5, 5, 10, 20, 50];
const WINDOWS_US = [1_000, 10_000, 100_000, 1_000_000, 2_000_000, 60_000_000];
const DATE_US = 1_795_000_000_000_000;

export function drawPlan(seed: number): Plan {
  const dice = new Dice(seed, 'plan');
  const form = dice.pick(['own', 'own', 'own', 'csv', 'access-log'] as const);
  const isOwn = form === 'own';
  const limiter = dice.pick(['bucket', 'bucket', 'bucket', 'sliding', 'epoch', 'first', 'timer'] as const);
  const count = isOwn && limiter === 'bucket' ? dice.pick([1, 1, 1, 2, 3]) : 1;
  const windowUs = dice.pick(WINDOWS_US);
  const policies = Array.from({ length: count }, () => {
    const capacity = dice.pick(CAPACITIES);
    if (limiter !== 'bucket') return makePolicy(capacity, { tokens: capacity, perUs: windowUs });
    return makePolicy(capacity, dice.pick(dice.chance(0.15) ? ODD_RATES : RATES));
  });
  const [{ capacityTokens, capacityQuanta, quantaPerUs }] = policies as [Policy];
  const mostCost = Math.min(capacityTokens, dice.pick([1, 1, 2, 3]));
  const buckets = dice.pick([1, 1, 1, 2, 4]);
  const fillUs = limiter === 'bucket' ? capacityQuanta / quantaPerUs : windowUs;
  const tokenUs = fillUs / capacityTokens;
  const stepUs = (tokenUs * (1 + mostCost)) / 2 / dice.pick([0.7, 1.5, 2, 4, 8]) / buckets;
  const clock = drawClock(dice, { isOwn, limiter, stepUs });
  const rates = drawRates(dice, { isOwn, isBucket: limiter === 'bucket', isTold: clock.kind === 'told' });
  return {
    seed,
    form,
    limiter,
    promise: readPromise(dice, { limiter, capacityTokens, windowUs }),
    policies,
    windowUs,
    stepUs,
    restUs: fillUs,
    requests: Math.ceil(5 * 40 ** dice.next()),
    buckets,
    regions: dice.pick([1, 2, 3]),
    mostCost,
    latency: {
      us: Math.ceil(tokenUs * dice.pick([0, 0.05, 0.5, 2, 10])),
      shape: dice.pick(['bounded', 'bounded', 'exponential', 'heavy-tailed']),
    },
    rates,
    hasLevels: isOwn && limiter === 'bucket' && clock.granularityUs === 1 && dice.chance(0.5),
    clock,
    // Windows of an epoch need dates where the clock is the recorder's.
    originUs: isOwn && !(limiter === 'epoch' && clock.kind === 'one') ? dice.pick([0, 0, DATE_US]) : DATE_US,
    recording: drawRecording(dice, isOwn),
  };
}

function readPromise(
  dice: Dice,
  {
    limiter,
    capacityTokens,
    windowUs,
  }: { limiter: Plan['limiter']; capacityTokens: number; windowUs: number },
): string {
  const window = `${capacityTokens}/${windowUs}us`;
  if (limiter === 'bucket') return 'token-bucket';
  if (limiter === 'sliding') return `sliding-window:${window}`;
  const isSaid = limiter !== 'timer' && dice.chance(0.7);
  return `fixed-window:${window}${isSaid ? `:${limiter}` : ''}`;
}

/** Most histories have one or two of these, so that what accuses is found alone as well. */
function drawRates(
  dice: Dice,
  { isOwn, isBucket, isTold }: { isOwn: boolean; isBucket: boolean; isTold: boolean },
): Rates {
  const some = (share: number, ...rates: number[]) => (dice.chance(share) ? dice.pick(rates) : 0);
  const own = (share: number, ...rates: number[]) => (isOwn ? some(share, ...rates) : 0);
  return {
    odd: some(0.15, 0.05, 0.2),
    refund: some(0.15, 0.03, 0.15),
    reset: own(0.08, 0.02, 0.1),
    several: own(0.5, 0.3, 0.8),
    retry: isTold ? 0 : own(0.2, 0.3, 1), // an answer to a named decision may be old: it tells no time
    repeat: own(0.1, 0.1, 0.3),
    double: own(0.1, 0.03, 0.2),
    lost: some(0.25, 0.01, 0.04, 0.2),
    fallback: isBucket ? own(0.12, 0.02, 0.2) : 0,
  };
}

function drawRecording(dice: Dice, isOwn: boolean): Recording {
  const isWhole = isOwn && dice.chance(0.75);
  return {
    starts: isWhole ? 'full' : 'in mid-traffic',
    isStopped: isOwn && dice.chance(0.2),
    cut: dice.pick(['nowhere', 'nowhere', 'nowhere', 'between lines', 'in a line']),
    files: dice.chance(0.2) ? 2 : 1,
    isShuffled: isOwn && dice.chance(0.2),
  };
}
