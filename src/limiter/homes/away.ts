import type { Decision, Evidence } from '../../core/decision.ts';
import { shown } from '../../core/printable.ts';
import type { Home, Limiter, Subject, TakeOptions } from '../limiter.ts';

/** A decision by a node outside the home of its bucket. */
export interface Away {
  readonly subject: Subject;
  readonly home: Home;
  /** The node that decided. */
  readonly node: string;
}

interface NoticedHomes {
  readonly regions: Readonly<Record<string, { readonly nodes?: readonly string[] }>>;
  readonly regionOf: (subject: Subject) => string | undefined;
  readonly onAway?: (away: Away) => void;
}

/** A limiter, perhaps one of `createLease`. */
interface Deciding extends Limiter {
  tryTake?(subject: Subject, options?: TakeOptions): Decision | undefined;
}

/**
 * Whether the node that decided belongs to the home of the bucket; undefined without a home, without the nodes of the
 * homes table, and for a decision by a failure policy. Never throws: the decision is made.
 */
export function placeOf(
  limiter: Pick<Limiter, 'homeOf'>,
  subject: Subject,
  { node, source }: Evidence,
): 'here' | 'away' | undefined {
  const home = source === 'fallback' ? undefined : homeOf(limiter, subject);
  if (home === undefined || home.nodes.length === 0) return undefined;
  return home.nodes.includes(node) ? 'here' : 'away';
}

/** Wraps a limiter with homes and reports the takes and reservations that are decided away. Default: one warning. */
export function noticeAway<L extends Deciding>(limiter: L, homes: NoticedHomes): L {
  const { onAway, regions } = homes;
  let isWarned = false;
  const warn = (text: string): void => {
    if (!isWarned) process.emitWarning(text, { type: 'OpenclawWarning', code: 'OPENCLAW_HOMES' });
    isWarned = true;
  };
  const warnOfFailure = (error: unknown): void =>
    warn(
      `regionOf or onAway of homes failed after a decision: ${error instanceof Error ? error.message : shown(error)}`,
    );
  const report = (subject: Subject, node: string): void => {
    const home = homeOf(limiter, subject);
    if (home === undefined || home.nodes.length === 0) return;
    const reported: unknown =
      onAway === undefined ? warn(warningOf(home, node)) : onAway({ subject, home, node });
    if (reported instanceof Promise) reported.catch(warnOfFailure); // an async function
  };
  /** By the nodes alone: to find the slot would take longer than a decision of a lease. */
  const notice = (subject: Subject, { evidence: { node } }: Decision): void => {
    try {
      const region = homes.regionOf(subject);
      if (region !== undefined && regions[region]?.nodes?.includes(node) === false) report(subject, node);
    } catch (error) {
      warnOfFailure(error);
    }
  };
  const { tryTake } = limiter;
  return {
    ...limiter,
    async take(subject, options) {
      const decision = await limiter.take(subject, options);
      notice(subject, decision);
      return decision;
    },
    async reserve(subject, options) {
      const reservation = await limiter.reserve(subject, options);
      notice(subject, reservation.decision);
      return reservation;
    },
    ...(tryTake && {
      tryTake(subject: Subject, options?: TakeOptions) {
        const decision = tryTake(subject, options);
        if (decision !== undefined) notice(subject, decision);
        return decision;
      },
    }),
  };
}

function homeOf(limiter: Pick<Limiter, 'homeOf'>, subject: Subject): Home | undefined {
  try {
    return limiter.homeOf?.(subject);
  } catch {
    return undefined; // an error of regionOf, which the take would have thrown
  }
}

function warningOf({ region }: Home, node: string): string {
  return `${node} decided for a bucket whose home is ${region}, and is no node of ${region} in the homes table. That may be a failover. If it lasts, compare the table with the cluster: openclaw-rl homes --check homes.json. Later ones are not shown; add homes.onAway, which gets each of them.`;
}
