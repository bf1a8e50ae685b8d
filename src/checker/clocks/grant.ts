import type { Rate } from '../../core/policy.ts';
import type { Promised } from '../../core/promise.ts';
import type { Header } from '../../history/records/operation.ts';

/** What the user says about the clock on which the limiter decides. */
export interface ClockSlackRule {
  readonly us: number;
  /** Both ends of every interval are already widened by `us`, so nothing else is granted. */
  readonly isWidened: boolean;
}

/** What a limiter is granted for its clock in addition to the bounds from readings. */
export interface ClockGrant {
  /** How much its clock may gain or lose between any two moments, in addition to its drift. */
  readonly slackUs: number;
  /** Parts per million; 0 if the clock was read. */
  readonly driftPpm: number;
}

/** The most by which two clocks drift apart: the kernel slews each by at most 500 ppm. */
export const MAX_SLEW_PPM = 1_000;

/** A clock that counts in milliseconds shows up to one more, or one less, between two moments. */
const MILLISECOND_US = 1_000;

/**
 * The grant for the limiter's clock: what the user says, else what the header says. Otherwise a millisecond, unless the
 * clock was read or is the recorder's (`clocks: one`).
 */
export function chooseGrant(
  { clocks, clockSlackUs }: Pick<Header, 'clocks' | 'clockSlackUs'>,
  { isRead, typed }: { readonly isRead: boolean; readonly typed: ClockSlackRule | undefined },
): ClockGrant {
  const byDefaultUs = isRead || clocks === 'one' ? 0 : MILLISECOND_US;
  return {
    slackUs: typed?.isWidened === true ? 0 : (typed?.us ?? clockSlackUs ?? byDefaultUs),
    driftPpm: !isRead && clocks === 'apart' ? MAX_SLEW_PPM : 0,
  };
}

interface Assumed {
  readonly grant: ClockGrant;
  readonly isRead: boolean;
  readonly typed: ClockSlackRule | undefined;
  readonly promise: Promised;
  readonly header: Pick<Header, 'policy' | 'policies'>;
}

/** The assumptions about the limiter's clock, and the excess that they hide, as sentences. */
export function assumedOfClock({ grant, isRead, typed, promise, header }: Assumed): string[] {
  const { slackUs, driftPpm } = grant;
  const cost = (us: number) =>
    promise.type === 'token-bucket'
      ? `an excess below ${tokensIn(us, ratesOf(header))} in one window cannot be seen`
      : `an excess that lies only in the last ${timeText(us)} of a window cannot be seen`;
  if (typed?.isWidened === true)
    return typed.us === 0
      ? []
      : [
          `each end of an interval is widened by ${timeText(typed.us)}, because the clocks may differ: ${cost(2 * typed.us)}`,
        ];
  if (slackUs === 0 && driftPpm === 0) return [];
  const granted = [
    ...(slackUs === 0 ? [] : [`${timeText(slackUs)} of resolution`]),
    ...(driftPpm === 0 ? [] : [`${driftPpm / 10_000}% of drift`]),
  ];
  const verb = granted.length + (slackUs > MILLISECOND_US ? 1 : 0) > 1 ? 'are' : 'is';
  const read = isRead
    ? "the limiter's own clock may be coarser than those read"
    : "the limiter's clock was not read";
  return [`${read}: ${granted.join(' and ')} ${verb} granted${slackUs === 0 ? '' : `; ${cost(slackUs)}`}`];
}

function ratesOf({ policy, policies = {} }: Pick<Header, 'policy' | 'policies'>): Rate[] {
  return [...(policy === undefined ? [] : [policy]), ...Object.values(policies)].map(({ refill }) => refill);
}

/** The tokens of the policy with the largest refill in that time. */
function tokensIn(us: number, rates: readonly Rate[]): string {
  const most = rates.reduce((sofar, { tokens, perUs }) => Math.max(sofar, (tokens * us) / perUs), 0);
  return `${Number(most.toPrecision(3))} tokens`;
}

/** A time as a flag accepts it. */
export function timeText(us: number): string {
  if (us % 1_000_000 === 0) return `${us / 1_000_000} s`;
  return us % 1_000 === 0 ? `${us / 1_000} ms` : `${us} us`;
}
