import type { WindowPromise } from '../../core/promise.ts';
import { countWhile } from '../rows/sort-rows.ts';

/** A request that a limiter allowed or denied, somewhere from its start to its end. Microseconds, tokens. */
export interface Demanded {
  readonly fromUs: number;
  readonly untilUs: number;
  readonly cost: number;
}

/**
 * The number of windows before a denial that must hold what it lacked. A fixed window and an exact log look back one
 * window at most. A sliding counter looks back to the start of its older cell: of two cells that is less than two windows
 * ago, of more cells less.
 */
export function windowsBehind({ type }: WindowPromise): number {
  return type === 'sliding-counter' ? 2 : 1;
}

/**
 * A lower bound of the tokens that every limiter of a promise of windows admits of this demand, wherever its windows lie.
 * N is its limit, L the longest time on the recorder's clock that it looks back. The demand must be in the order of its
 * starts.
 *
 * What the promise says of a denial at the moment t of a cost c <= N: the limiter counted more than N - c, and what it
 * counted was admitted in (t - L, t]. A fixed window that holds t began after t - W. An exact log counts the last W. A
 * counter weights what its cells of the last 2 W hold, at most in full; it may round a weighted cell up, but to a whole
 * number, and the cell holds one. The count of a limiter with refunds and resets is at most what it charged.
 *
 * Theorem. Let q be a cost, M = N - q + 1, and the demand only requests of at most q, each decided at a moment t_i of its
 * interval. Then the limiter admits at least the least cost of a cover, in which each request is either paid with its own
 * cost or lies in one of some spans of length L, each of which costs M.
 *
 * Proof. Take the last denial of this demand, at d, and the span (d - L, d]; then the last denial at d - L or before, and
 * so on. These spans are disjoint, hold every denial, and each of them has at least M admissions, since a denial of c <= q
 * shows more than N - c >= N - q. Requests outside of them were admitted, each for its own cost, outside of them. So what
 * was admitted is at least what this cover costs, and it is one of those over which the least is taken. Nothing was assumed
 * of the order of concurrent requests, of the number of windows, of gaps between them, or of requests that are not in the
 * demand: what they were charged can only raise the left side. So any part of the requests may be left out of the demand.
 *
 * The least cost, from the last request to the first: the request k is paid, and the later ones are covered; or a span holds
 * it, which ends before e_k + L, so that requests that start at e_k + L or later are left. The rest is taken as covered,
 * which can only lower the bound:
 *   g(k) = min(c_k + g(k + 1), M + g(first with a start of at least e_k + L)).
 * Larger q have more demand and a smaller M, so some q are tried, and the largest bound counts.
 */
export function leastAdmitted(
  demand: readonly Demanded[],
  { limit, lengthUs }: { readonly limit: number; readonly lengthUs: number },
): number {
  let [most, tried] = [0, 0];
  const largest = demand.reduce((cost, one) => (one.cost <= limit ? Math.max(cost, one.cost) : cost), 0);
  for (let power = 1; tried < largest; power *= 2) {
    const upTo = demand.filter(({ cost }) => cost <= Math.min(power, limit));
    const cost = upTo.reduce((sofar, one) => Math.max(sofar, one.cost), 0);
    if (cost > tried) most = Math.max(most, leastCover(upTo, limit - cost + 1, lengthUs));
    tried = Math.max(tried, cost);
  }
  return most;
}

/** The least cost of a cover, where a span of this length costs `ofSpan`. */
function leastCover(demand: readonly Demanded[], ofSpan: number, lengthUs: number): number {
  const startsUs = Float64Array.from(demand, ({ fromUs }) => fromUs);
  const least = new Float64Array(demand.length + 1);
  for (let at = demand.length - 1; at >= 0; at--) {
    const { untilUs, cost } = demand[at] as Demanded;
    const after = countWhile(startsUs, startsUs.length, (us) => us < untilUs + lengthUs);
    least[at] = Math.min(cost + (least[at + 1] as number), ofSpan + (least[after] as number));
  }
  return least[0] as number;
}
