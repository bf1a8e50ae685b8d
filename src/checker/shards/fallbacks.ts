import type { Fallback } from '../../core/bound.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { FaultRecord } from '../../history/records/operation.ts';
import { restartsOf } from '../evidence/service-restarts.ts';

interface Admission {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** A service: the one of its region, or one of several. */
interface Service {
  readonly region: string;
  readonly instance?: string;
}

interface OfService {
  readonly service: Service;
  readonly admissions: Admission[];
}

/** The buckets of one shard and policy. */
interface OfPolicy {
  readonly fillUs: number;
  readonly services: Map<string, OfService>;
}

/**
 * The episodes in which each service admitted by its failure policy, as a function from a bucket to those of all buckets
 * with its key, of its shard and policy; undefined if there are none. An episode ends if no admission follows within the time in which an
 * empty bucket fills: a share is full again by then, and counting a new full share is less than counting the refill in
 * between.
 */
export function findFallbacks(
  table: OperationTable,
  keyOf: (bucket: number) => string,
  faults: readonly FaultRecord[],
): (bucket: number) => readonly Fallback[] | undefined {
  const found = new Map<string, OfPolicy>();
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    for (let row = table.starts[bucket] as number; row < (table.starts[bucket + 1] as number); row++) {
      const kind = table.kinds[row] as number;
      if ((kind & KIND.fallback) === 0 || (kind & KIND.outcome) !== KIND.allowed) continue;
      const key = keyOf(bucket);
      const { capacityQuanta, quantaPerUs } = table.policyOf(bucket);
      const ofPolicy = found.get(key) ?? { fillUs: capacityQuanta / quantaPerUs, services: new Map() };
      found.set(key, ofPolicy);
      noteAdmission(table, row, ofPolicy);
    }
  }
  const fallbacks = new Map(
    [...found].map(([key, { services, fillUs }]) => [
      key,
      [...services.values()].flatMap(({ service, admissions }) => {
        const episodes = episodesIn(admissions, service, fillUs);
        return [...episodes, ...restartsWithin(episodes, service, faults)];
      }),
    ]),
  );
  return (bucket) => (fallbacks.size === 0 ? undefined : fallbacks.get(keyOf(bucket)));
}

function noteAdmission(table: OperationTable, row: number, { services }: OfPolicy): void {
  const [region, instance] = [table.regionOf(row), table.instanceOf(row)];
  const service = { region, ...(instance !== '' && { instance }) };
  const key = `${region} ${instance}`;
  const known = services.get(key) ?? { service, admissions: [] };
  services.set(key, known);
  known.admissions.push({ fromUs: table.invokedUs[row] as number, untilUs: table.lastUs(row) });
}

function episodesIn(admissions: readonly Admission[], service: Service, fillUs: number): Fallback[] {
  const episodes: (Service & { fromUs: number; untilUs: number; admissions: number })[] = [];
  for (const { fromUs, untilUs } of admissions.toSorted((a, b) => a.fromUs - b.fromUs)) {
    const last = episodes.at(-1);
    if (last === undefined || fromUs - last.untilUs > fillUs) {
      episodes.push({ ...service, fromUs, untilUs, admissions: 1 });
      continue;
    }
    last.untilUs = Math.max(last.untilUs, untilUs);
    last.admissions++;
  }
  return episodes;
}

/** A service that starts again in an episode has a full share once more. */
function restartsWithin(
  episodes: readonly Fallback[],
  service: Service,
  faults: readonly FaultRecord[],
): Fallback[] {
  return restartsOf(faults, { instance: '', ...service })
    .filter((atUs) => episodes.some(({ fromUs, untilUs }) => fromUs <= atUs && atUs <= untilUs))
    .map((atUs) => ({ ...service, fromUs: atUs, untilUs: atUs, admissions: 0 }));
}
