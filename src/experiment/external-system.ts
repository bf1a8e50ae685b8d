import { randomBytes } from 'node:crypto';
import { invalidOption } from '../core/errors.ts';
import { formatNamed, parsePolicies } from '../core/policies.ts';
import { count } from '../core/units.ts';
import { readHomes } from '../limiter/homes/homes.ts';
import { bucketKey, DEFAULT_PREFIX } from '../limiter/options/key.ts';
import type { PlannedUser } from '../load/users.ts';
import { ENDPOINT } from '../rating/endpoint.ts';
import { withRegions } from '../rating/homes.ts';
import type { ClusterHomes } from '../regions/cluster/homes.ts';
import { deleteKeys, type KeyOptions } from '../regions/external/delete-keys.ts';
import type { Regions } from '../regions/provider.ts';
import type { Plan } from '../scenario/plan.ts';
import { shapeOf } from './plan-file.ts';
import { type ProvideSystem, type RegionsSource, regionsSystem } from './system.ts';
import { warmUpUsers } from './warm-up.ts';

/** What a killed run leaves must expire within this time. */
const LONGEST_FILL_S = 3_600;

export interface ExternalSource extends Pick<RegionsSource, 'self' | 'env'>, KeyOptions {
  /** With the addresses that its nodes announce. */
  readonly regions: Regions;
  readonly onProgress: (what: string) => void;
}

/**
 * Our services in front of nodes that were already running. Nothing of those is started, stopped or configured; the keys
 * have a prefix of their own and are deleted by name once the services have stopped. A part deletes none, since others
 * use them: they expire.
 */
export function externalSystem({ regions, self, env, onProgress, ...access }: ExternalSource): ProvideSystem {
  return (provision) => {
    const { plan, users, cleanup, part } = provision;
    let homes: ClusterHomes | undefined;
    const prefix = part?.prefix ?? `${DEFAULT_PREFIX}:run-${randomBytes(6).toString('hex')}`;
    const provide = async () => {
      if (part === undefined)
        cleanup.add('delete the keys of the run', async () => {
          const deleted = await deleteKeys(
            regions,
            keysOf([...users, ...warmUpUsers(shapeOf(plan))], { prefix, homes }),
            access,
          );
          const others = plan.limiter === undefined ? '' : ', but those that the plug-in named otherwise';
          onProgress(`deleted ${count(deleted, 'key')} of this run; 0 are left${others}`);
        });
      return { regions, isOurs: false };
    };
    const onTaken = async (found: ClusterHomes | undefined) => {
      homes = found;
    };
    return regionsSystem({ self, env, prefix, provide, onTaken })(provision);
  };
}

/** Throws INVALID_OPTION for buckets that take long to fill, since their keys live as long. */
export function checkFill({ policy: text }: Pick<Plan, 'policy'>): void {
  for (const named of parsePolicies(text)) {
    const { capacityQuanta, quantaPerUs } = named.policy;
    const fillS = capacityQuanta / quantaPerUs / 1e6;
    if (fillS > LONGEST_FILL_S)
      throw invalidOption(
        `a bucket of ${formatNamed(named)} takes ${Math.ceil(fillS / 3_600)} h to fill: a killed run would leave its keys so long`,
        'choose a policy that fills within an hour; the math is the same',
      );
  }
}

function keysOf(
  users: readonly PlannedUser[],
  { prefix, homes }: { readonly prefix: string; readonly homes: ClusterHomes | undefined },
): string[] {
  const placed = homes && readHomes(withRegions(homes), prefix);
  return users.map(({ name: user }) => {
    const subject = { user, endpoint: ENDPOINT };
    return placed?.homeOf(subject)?.key ?? bucketKey(prefix, subject);
  });
}
