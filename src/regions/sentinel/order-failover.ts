import type { Redis } from 'ioredis';
import { environmentFailed } from '../../core/errors.ts';
import { connectDirect } from '../cluster/connect-direct.ts';
import { announcedAddress, PRIMARY, type Regions } from '../provider.ts';
import { waitFor } from '../waiting.ts';
import { HURRIED_MS, setPeriods } from './periods.ts';
import { PRIORITY } from './settings.ts';

/** A replica with a lower priority is chosen first. */
const FIRST_CHOICE = 1;
/** A Sentinel refuses an order while it performs another, and while it holds a replica for bad. */
const ORDER_AGAIN_MS = 1_000;

interface Ordered {
  readonly signal: AbortSignal;
  readonly withinMs: number;
}

/**
 * Makes a replica the primary: an order to a Sentinel, which chooses by priority, so that of the node is the best until
 * then. The former primary stays one until the Sentinels demote it, 8 to 18 s later. Throws ENVIRONMENT_FAILED with the
 * last role.
 */
export async function orderSentinelFailover(
  node: string,
  regions: Pick<Regions, 'topology' | 'direct' | 'announced'>,
  { signal, withinMs }: Ordered,
): Promise<void> {
  const sentinel = connectDirect(regions.direct(await findSentinel(node, regions)));
  const target = connectDirect(regions.direct(node));
  try {
    await target.config('SET', 'replica-priority', FIRST_CHOICE);
    await setPeriods(sentinel, HURRIED_MS); // it reads priorities every 10 s
    await orderUntilPrimary(
      { node, target, sentinel, address: announcedAddress(regions, node) },
      { signal, withinMs },
    );
  } finally {
    await Promise.allSettled([
      setPeriods(sentinel, undefined),
      target.config('SET', 'replica-priority', PRIORITY),
    ]);
    target.disconnect();
    sentinel.disconnect();
  }
}

/** A Sentinel that answers, that of the node's own region first: it reaches the node past every Toxiproxy. */
async function findSentinel(
  node: string,
  { topology, direct }: Pick<Regions, 'topology' | 'direct'>,
): Promise<string> {
  const { nodes, sentinels } = topology;
  const home = nodes.find(({ name }) => name === node)?.region;
  for (const { name } of sentinels.toSorted(
    (a, b) => Number(b.region === home) - Number(a.region === home),
  )) {
    const client = connectDirect(direct(name));
    const answers = await client.ping().catch(() => undefined);
    client.disconnect();
    if (answers !== undefined) return name;
  }
  throw environmentFailed('no Sentinel answers', 'start them again: openclaw-rl fault heal');
}

interface Order {
  readonly node: string;
  readonly target: Redis;
  readonly sentinel: Redis;
  readonly address: string;
}

async function orderUntilPrimary(
  { node, target, sentinel, address }: Order,
  { signal, withinMs }: Ordered,
): Promise<void> {
  let orderAtMs = 0;
  await waitFor(`${node} to be a primary`, withinMs, signal, async () => {
    const role = await target.role().then(
      ([own]) => own,
      (error: Error) => error.message,
    );
    if (role === 'master') return undefined;
    const seen = await priorityOf(address, sentinel);
    if (seen !== FIRST_CHOICE) return `its role is replica; a Sentinel sees its priority as ${seen}`;
    if (performance.now() < orderAtMs) return 'its role is replica';
    orderAtMs = performance.now() + ORDER_AGAIN_MS;
    const refusal = await sentinel.call('SENTINEL', 'FAILOVER', PRIMARY).then(
      () => undefined,
      ({ message }: Error) => message,
    );
    return `its role is replica${refusal === undefined ? '' : `; the Sentinel answers: ${refusal}`}`;
  });
}

/** The priority of a replica as a Sentinel sees it; undefined if it does not know the replica. */
async function priorityOf(address: string, sentinel: Redis): Promise<number | undefined> {
  const replicas = (await sentinel.call('SENTINEL', 'REPLICAS', PRIMARY).catch(() => [])) as string[][];
  const replica = replicas.find((fields) => fields.includes(address));
  return replica && Number(replica[replica.indexOf('slave-priority') + 1]);
}
