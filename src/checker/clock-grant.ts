import type { Rate } from '../core/policy.ts';
import type { Header } from '../history/operation.ts';
import type { Promised } from './promise.ts';

/** What the user says of the clock that the limiter decides on. */
export interface ClockSlackRule {
  readonly us: number;
  /** Both ends of every interval have been widened by it: nothing else is granted. */
  readonly isWidened: boolean;
}

/** What a limiter is granted for its clock, beside what readings say of it. */
export interface ClockGrant {
  /** What its clock may gain or lose between any two moments, beside its drift. */
  readonly slackUs: number;
  /** Parts per million, where no clock was read. */
  readonly driftPpm: number;
}

/** Two clocks that the kernel slews by at most 500 ppm each drift apart by no more than this. */
export const MAX_SLEW_PPM = 1_000;

/** A limiter may count in milliseconds: between two moments its clock then shows up to one more, or one less. */
const MILLISECOND_US = 1_000;

/**
 * What is granted: what the user says, else what the header says, else a millisecond where no clock was read, unless
 * the limiter decides on the recorder's clock as the recorder has it (`clocks: one`).
 */
export function grantOf(
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

/** What the verdict rests on as far as the limiter's clock is concerned, and what that costs. */
export function assumedOfClock({ grant, isRead, typed, promise, header }: Assumed): string[] {
  const { slackUs, driftPpm } = grant;
  const cost = (us: number) =>
    promise.type === 'token-bucket'
      ? `an excess below ${tokensIn(us, ratesOf(header))} in one window cannot be seen`
      : `an excess that shows only within the last ${timeText(us)} of a window cannot be seen`;
  if (typed?.isWidened === true)
    return typed.us === 0
      ? []
      : [
          `each end of a request is widened by ${timeText(typed.us)}, for clocks that are not one: ${cost(2 * typed.us)}`,
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

/** Of the policy that refills most in that time. */
function tokensIn(us: number, rates: readonly Rate[]): string {
  const most = rates.reduce((sofar, { tokens, perUs }) => Math.max(sofar, (tokens * us) / perUs), 0);
  return `${Number(most.toPrecision(3))} tokens`;
}

/** A time as the command line takes it. */
export function timeText(us: number): string {
  if (us % 1_000_000 === 0) return `${us / 1_000_000} s`;
  return us % 1_000 === 0 ? `${us / 1_000} ms` : `${us} us`;
}
