import type { CheckReport } from '../../../src/checker/check.ts';
import type { Finding } from '../../../src/checker/findings/finding.ts';
import { traitsOf } from '../../../src/core/strategies.ts';
import { burstsOf, steadyOf } from './bursts.ts';
import { REMOVE, type Rule } from './lease-rules.ts';
import { SCENARIOS } from './lease-scenarios.ts';
import { all, clocks } from './patches.ts';
import type { Planted, Steady } from './planted.ts';
import { type Simulated, simulate } from './simulate.ts';

const USERS = 4;
const DURATION_MS = 11_000;

/** The claims of simulated leases. The second is about what replies say. */
const CLAIMS = ['total-excess <= 0', 'dishonest <= 0'] as const;

/** How a run was convicted. */
export interface Conviction {
  /** The checkers that have a finding; none if it was not convicted. */
  readonly by: readonly string[];
  readonly requests: number;
  /** The number of the request with the first finding, from 1. */
  readonly after: number;
  /** Tokens above an ideal bucket, over all buckets. */
  readonly excess: number;
}

/** Leases under the scenario of a rule, with all rules or without it. */
export async function judgeLease(rule: Rule, without: OfLease): Promise<Conviction> {
  const { clockRate } = SCENARIOS[rule];
  const undo = all(
    clockRate === undefined ? () => {} : clocks((us) => us * clockRate),
    without.isRemoved && rule !== 'grantsAreAcked' ? REMOVE[rule]() : () => {},
  );
  try {
    const { check } = await simulate(simulatedLease(rule, without));
    return convictionOf(check);
  } finally {
    undo();
  }
}

interface OfLease {
  readonly seed: number;
  readonly isRemoved: boolean;
}

/** What is simulated for a rule. `grantsAreAcked` is removed by another strategy, the others by what is patched. */
export function simulatedLease(rule: Rule, { seed, isRemoved }: OfLease): Simulated {
  const {
    bursts,
    clockRate: _,
    what: __,
    durationMs = DURATION_MS,
    claims = CLAIMS,
    ...scenario
  } = SCENARIOS[rule];
  return {
    ...{ seed, ...scenario, durationMs, claims },
    strategy: isRemoved && rule === 'grantsAreAcked' ? 'lease-unacked' : 'lease',
    requests: burstsOf(bursts, { ...scenario, seed, users: USERS }),
  };
}

/** A planted bug, or the limiter without it under the same load and faults. */
export async function judgePlanted(
  planted: Planted,
  { seed, isPlanted }: { readonly seed: number; readonly isPlanted: boolean },
): Promise<Conviction> {
  if ('withoutRule' in planted) return judgeLease(planted.withoutRule, { seed, isRemoved: isPlanted });
  const { faults = [], costTokens = 1, apart, policy = '20:5/s', claim = 'total-excess <= 0' } = planted;
  const undo = isPlanted && 'plant' in planted ? planted.plant?.() : undefined;
  try {
    const { check } = await simulate({
      ...{ seed, faults, policy, durationMs: PLANTED_SECONDS * 1_000 },
      ...limiterOf(planted, isPlanted),
      ...(apart && { apart }),
      requests: steadyOf(costTokens, { seed, users: PLANTED_USERS, seconds: PLANTED_SECONDS }),
      claims: [claim, ...denialsOf(planted)],
    });
    return convictionOf(check);
  } finally {
    undo?.();
  }
}

function limiterOf(planted: Steady, isPlanted: boolean): Pick<Simulated, 'strategy' | 'limiter'> {
  if ('strategy' in planted) return { strategy: planted.strategy };
  const { broken, whole } = planted.plugin;
  return { strategy: 'central', limiter: isPlanted ? broken : whole };
}

/** Leases deny tokens that are elsewhere; plug-ins say no level. */
function denialsOf(planted: Steady): string[] {
  if (!('strategy' in planted)) return ['false-denials <= 0'];
  return traitsOf(planted.strategy).lends ? [] : ['false-denials <= 0', 'replay <= 0'];
}

const PLANTED_SECONDS = 17;
const PLANTED_USERS = 5;

/** Which findings break a claim of this run. */
function convictionOf({
  claims,
  sent,
  overAdmission,
  falseDenials,
  replay,
  dishonest,
}: CheckReport): Conviction {
  const isBroken = (measure: string) =>
    claims.some(({ claim, status }) => status === 'broken' && claim.startsWith(measure));
  const found: [checker: string, findings: readonly Finding[]][] = [
    ['over-admission', isBroken('total-excess') ? overAdmission.findings : []],
    ['false denial', isBroken('false-denials') ? falseDenials.findings : []],
    ['replay', isBroken('replay') ? replay.findings : []],
    ['stated values', isBroken('dishonest') ? dishonest.findings : []],
  ];
  const convicting = found.filter(([, findings]) => findings.length > 0);
  const firsts = convicting.flatMap(([, findings]) => findings.map(({ first }) => first.operation.index + 1));
  return {
    by: convicting.map(([checker]) => checker),
    requests: sent,
    after: Math.min(...firsts),
    excess: overAdmission.totalExcess,
  };
}
