import type { Decision, Evidence } from '../../core/decision.ts';
import { shown } from '../../core/printable.ts';
import type { Home, Limiter, Subject, TakeOptions } from '../limiter.ts';
import { answerOf } from '../options/answer-of.ts';
import { checkSubject } from '../options/key.ts';

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
 * Whether the node that decided belongs to the home that the bucket had when it was asked; undefined without a home,
 * without the nodes of the homes table, and for a decision by a failure policy.
 */
export function placeOf(home: Home | undefined, { node, source }: Evidence): 'here' | 'away' | undefined {
  if (source === 'fallback' || home === undefined || home.nodes.length === 0) return undefined;
  return home.nodes.includes(node) ? 'here' : 'away';
}

/**
 * Wraps a limiter with homes and reports the takes and reservations that are decided away. Default: one warning. The home
 * is the one that `regionOf` named before the call: that chose the key. Once it names another, there is no report.
 */
export function noticeAway<L extends Deciding>(limiter: L, homes: NoticedHomes): L {
  const { onAway, regions } = homes;
  let isWarned = false;
  const warn = (text: string): void => {
    if (!isWarned) process.emitWarning(text, { type: 'OpenclawWarning', code: 'OPENCLAW_HOMES' });
    isWarned = true;
  };
  const warnOfFailure = (error: unknown): void =>
    warn(`homes.onAway failed after a decision: ${error instanceof Error ? error.message : shown(error)}`);
  const report = (subject: Subject, region: string, node: string): void => {
    const home = homeOf(limiter, subject);
    if (home?.region !== region) return; // it moved meanwhile
    const reported: unknown =
      onAway === undefined ? warn(warningOf(home, node)) : onAway({ subject, home, node });
    if (reported instanceof Promise) reported.catch(warnOfFailure); // an async function
  };
  /** Undefined too where the call is going to throw. */
  const regionOf = (subject: Subject): string | undefined => {
    try {
      checkSubject(subject); // an invalid one never reaches regionOf
      return answerOf('homes.regionOf', homes.regionOf, subject);
    } catch {
      return undefined;
    }
  };
  /** By the nodes alone: to find the slot would take longer than a decision of a lease. */
  const notice = (subject: Subject, region: string | undefined, { evidence: { node } }: Decision): void => {
    if (region === undefined) return;
    const nodes = regions[region]?.nodes ?? [];
    if (nodes.length === 0 || nodes.includes(node)) return;
    try {
      report(subject, region, node);
    } catch (error) {
      warnOfFailure(error);
    }
  };
  const { tryTake } = limiter;
  return {
    ...limiter,
    async take(subject, options) {
      const region = regionOf(subject);
      const decision = await limiter.take(subject, options);
      notice(subject, region, decision);
      return decision;
    },
    async reserve(subject, options) {
      const region = regionOf(subject);
      const reservation = await limiter.reserve(subject, options);
      notice(subject, region, reservation.decision);
      return reservation;
    },
    ...(tryTake && {
      tryTake(subject: Subject, options?: TakeOptions) {
        const region = regionOf(subject);
        const decision = tryTake(subject, options);
        if (decision !== undefined) notice(subject, region, decision);
        return decision;
      },
    }),
  };
}

/** The home of a subject that is about to ask; undefined too where that call is going to throw. */
export function homeOf(limiter: Pick<Limiter, 'homeOf'>, subject: Subject): Home | undefined {
  try {
    return limiter.homeOf?.(subject);
  } catch {
    return undefined;
  }
}

function warningOf({ region }: Home, node: string): string {
  return `${node} decided for a bucket whose home is ${region}, and is no node of ${region} in the homes table. That may be a failover. If it lasts, compare the table with the cluster: openclaw-rl homes --check homes.json. Later ones are not shown; add homes.onAway, which gets each of them.`;
}
