import { makePolicy, type Policy } from '../../../src/core/policy.ts';
import { Dice } from '../soak/dice.ts';

/** What one history is of; all of it drawn from the seed. Times in microseconds. */
export interface Plan {
  readonly seed: number;
  readonly policies: readonly Policy[];
  readonly subjects: number;
  readonly requests: number;
  readonly stepUs: number;
  readonly tokenUs: number;
  readonly latencyUs: number;
  /** Shares of the calls. */
  readonly lost: number;
  readonly failed: number;
  /** Shares of the requests. */
  readonly reservations: number;
  readonly refunds: number;
  readonly resets: number;
  /** Shares of the reservations. */
  readonly unsettled: number;
  readonly expiring: number;
  readonly extended: number;
  readonly repeated: number;
  /** Times to an expiry, and pauses of the caller, in tokens. */
  readonly expiresTokens: readonly number[];
  readonly pauseTokens: readonly number[];
  readonly clock: {
    readonly kind: 'one' | 'apart' | 'read';
    readonly ppm: number;
    readonly unitUs: number;
  };
  readonly hasLevels: boolean;
  readonly hasStated: boolean;
  readonly recording: 'whole' | 'in mid-traffic' | 'cut' | 'cut in a line';
}

const RATES = ['50/s', '200/s', '1000/s', '3/10ms', '7/s'];

export function drawPlan(seed: number): Plan {
  const dice = new Dice(seed, 'reservations');
  const policies = Array.from({ length: dice.pick([1, 1, 2, 3]) }, () =>
    makePolicy(dice.pick([3, 5, 10, 20]), dice.pick(RATES)),
  );
  const [{ quantaPerToken, quantaPerUs, capacityTokens }] = policies as [Policy];
  const tokenUs = quantaPerToken / quantaPerUs;
  const kind = dice.pick(['one', 'one', 'apart', 'read'] as const);
  const some = (share: number, ...rates: number[]) => (dice.chance(share) ? dice.pick(rates) : 0);
  return {
    seed,
    policies,
    subjects: dice.pick([1, 1, 2]),
    requests: 20 + dice.below(100),
    stepUs: (tokenUs * Math.min(4, capacityTokens)) / dice.pick([1, 3, 6, 12]),
    tokenUs,
    latencyUs: Math.ceil(tokenUs * dice.pick([0, 0.1, 0.1, 1, 5])),
    lost: some(0.7, 0.05, 0.2, 0.5),
    failed: some(0.4, 0.05, 0.3),
    reservations: dice.pick([0.3, 0.7, 1]),
    refunds: some(0.3, 0.05, 0.2),
    resets: some(0.2, 0.02, 0.05),
    unsettled: some(0.6, 0.1, 0.4),
    expiring: some(0.6, 0.3, 1),
    extended: some(0.5, 0.2, 0.8),
    repeated: some(0.5, 0.3, 0.8),
    expiresTokens: [1, 4, 10],
    pauseTokens: [0, 0.5, 2, 8],
    clock: {
      kind,
      ppm: kind === 'one' ? 0 : dice.pick([0, 400, -400]),
      unitUs: kind === 'one' ? 1 : dice.pick([1, 1, 1_000]),
    },
    hasLevels: dice.chance(0.5),
    hasStated: dice.chance(0.5),
    recording: dice.pick(['whole', 'whole', 'whole', 'in mid-traffic', 'cut', 'cut in a line'] as const),
  };
}

/** A plan in which a defect of a settlement can show: demand above the limit, sharp times, nothing that excuses it. */
export function contested(plan: Plan, isExpiring: boolean): Plan {
  const [policy] = plan.policies as [Policy];
  return {
    ...plan,
    policies: [policy],
    requests: 60 + (plan.requests % 60),
    stepUs: plan.tokenUs,
    latencyUs: Math.ceil(plan.tokenUs * 0.05),
    lost: 0.02,
    failed: 0.15,
    reservations: 0.7,
    refunds: 0,
    resets: 0,
    unsettled: 0.05,
    expiring: isExpiring ? 1 : 0,
    extended: 0.1,
    repeated: 0.5,
    expiresTokens: [6],
    pauseTokens: [0, 0.5, 1],
    clock: { kind: 'one', ppm: 0, unitUs: 1 },
    recording: 'whole',
  };
}
