import type { Decision, Evidence } from '../../core/decision.ts';
import { shown } from '../../core/printable.ts';
import type { Home, Limiter, Subject } from '../limiter.ts';

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
export function noticeAway<L extends Limiter>(limiter: L, homes: NoticedHomes): L {
  const { onAway, regions } = homes;
  let isWarned = false;
  const warn = (text: string): void => {
    if (!isWarned) process.emitWarning(text, { type: 'OpenclawWarning', code: 'OPENCLAW_HOMES' });
    isWarned = true;
  };
  const report = (subject: Subject, node: string): void => {
    const home = homeOf(limiter, subject);
    if (home === undefined || home.nodes.length === 0) return;
    if (onAway === undefined) warn(warningOf(home, node));
    else onAway({ subject, home, node });
  };
  /** By the nodes alone: to find the slot would take longer than a decision of a lease. */
  const notice = (subject: Subject, { evidence: { node } }: Decision): void => {
    try {
      const region = homes.regionOf(subject);
      if (region !== undefined && regions[region]?.nodes?.includes(node) === false) report(subject, node);
    } catch (error) {
      warn(
        `regionOf or onAway of homes failed after a decision: ${error instanceof Error ? error.message : shown(error)}`,
      );
    }
  };
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
