import { createHash } from 'node:crypto';
import type { RecordedRequest } from '../../history/foreign/arrivals.ts';
import type { Users } from '../../load/users.ts';
import type { Plan } from '../../scenario/plan.ts';

export interface PlannedParts {
  readonly plan: Plan;
  readonly users: Users;
  /** The requests of the plan's log. */
  readonly recorded?: readonly RecordedRequest[];
  /** The text of the plan's plug-in. */
  readonly plugin?: string;
  /** The names of all parts. */
  readonly of: readonly string[];
}

/**
 * SHA-256 of what all parts of a run must agree on, in hexadecimal: the load, the limiter, the users, the parts. Paths of
 * files, round trips and claims may differ from machine to machine.
 */
export function planDigest({ plan, users, recorded, plugin, of }: PlannedParts): string {
  const { scenario, seed, topology, policy, strategy, onFailure, instances, homes, load } = plan;
  const { log, ...sent } = load;
  const { file: _, ...logged } = log ?? { file: '' };
  return sha256(
    canonical({
      ...{ scenario, seed, regions: topology.regions, policy, strategy, onFailure, instances, homes },
      ...{
        load: { ...sent, log: log && logged },
        users: [...users],
        recorded: recorded && digestOf(recorded),
        plugin,
        of,
      },
    }),
  );
}

/**
 * The id of a run: the same for all parts of a plan that start together. Keys begin with it, so that no other start, which
 * has other buckets, may have the same id.
 */
export function runId(plan: string, startMs: number, name = 'run'): string {
  return `${name}-${sha256(`${plan} ${startMs}`).slice(0, 12)}`;
}

/** A log may have millions of requests. */
function digestOf(recorded: readonly RecordedRequest[]): string {
  const hash = createHash('sha256');
  for (const request of recorded) hash.update(canonical(request));
  return hash.digest('hex');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON with the members of each object in the order of their names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
