import type { Policy } from '../../core/policy.ts';
import { DeadlineHeap } from '../proofs/deadline-heap.ts';
import { type Demands, ROLE } from './demands.ts';
import { Later } from './later.ts';

const heap = new DeadlineHeap();

/**
 * The same demands, with later first moments of takes: those at which each gets its tokens if tokens are given in the
 * order of their birth to the take with the earliest deadline, among those that can still spend them. A token of time u can
 * be spent until u + C/r, so an early take may have to leave a token to a later one with less time. This is the order of
 * the machine in `over-admission.ts`, which finds room for every take if all cost one token.
 */
export function tokenOrder(demands: Demands, policy: Policy): Demands {
  return new Later(demands, giveTokens(demands, policy));
}

/** The moments of all takes, by row. Microseconds. */
function giveTokens(demands: Demands, { capacityQuanta, quantaPerUs }: Policy): Map<number, number> {
  const takes = demands.order.filter((row) => demands.roleOf(row) === ROLE.take);
  const keptUs = capacityQuanta / quantaPerUs;
  const momentsUs = new Map<number, number>();
  let bornUs = Number.NEGATIVE_INFINITY;
  let next = 0;
  heap.clear(takes.length);
  while (heap.size > 0 || next < takes.length) {
    if (heap.size === 0) bornUs = Math.max(bornUs, demands.fromUs(takes[next] as number) - keptUs);
    for (; next < takes.length; next++) {
      const row = takes[next] as number;
      if (demands.fromUs(row) - keptUs > bornUs) break;
      heap.push(demands.untilUs(row), demands.quantaOf(row), row);
    }
    const row = heap.rows[0] as number;
    bornUs += (heap.works[0] as number) / quantaPerUs;
    heap.pop();
    momentsUs.set(row, Math.max(demands.fromUs(row), Math.min(Math.ceil(bornUs), demands.untilUs(row))));
  }
  heap.release();
  return momentsUs;
}
