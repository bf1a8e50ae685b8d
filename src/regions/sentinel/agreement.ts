import type { Redis } from 'ioredis';
import { connectDirect } from '../cluster/connect-direct.ts';
import { announcedAddress, PRIMARY, type Regions } from '../provider.ts';
import { waitFor } from '../waiting.ts';

/** Sentinels find each other by a message of the primary, every 2 s. */
export const SENTINELS_MS = 30_000;

/** What one Sentinel knows. */
interface SentinelView {
  /** `host:port` of the primary. */
  readonly primary: string;
  /** Suspicions and orders: empty while all is well. */
  readonly flags: readonly string[];
  readonly replicas: number;
  readonly otherSentinels: number;
}

/** Asks a Sentinel what it knows. */
async function readSentinel(client: Pick<Redis, 'call'>): Promise<SentinelView> {
  const reply = (await client.call('SENTINEL', 'MASTER', PRIMARY)) as string[];
  const of = (field: string) => reply[reply.indexOf(field) + 1] ?? '';
  return {
    primary: `${of('ip')}:${of('port')}`,
    flags: of('flags')
      .split(',')
      .filter((flag) => flag !== 'master'),
    replicas: Number(of('num-slaves')),
    otherSentinels: Number(of('num-other-sentinels')),
  };
}

type Asked = Pick<Regions, 'topology' | 'direct' | 'announced'>;

/**
 * Waits until every Sentinel names the same primary, knows each replica and Sentinel, and suspects none of them. Throws
 * ENVIRONMENT_FAILED that names what is missing.
 */
export async function waitUntilAgreed(regions: Asked, signal: AbortSignal, withinMs: number): Promise<void> {
  const clients = connectSentinels(regions);
  try {
    await waitFor('the Sentinels to agree', withinMs, signal, () => lackOfAgreement(regions, clients));
  } finally {
    for (const client of clients.values()) client.disconnect();
  }
}

/** A connection to each Sentinel past every fault; the caller ends them. */
function connectSentinels({ topology, direct }: Asked): Map<string, Redis> {
  return new Map(topology.sentinels.map(({ name }) => [name, connectDirect(direct(name))]));
}

/** What the Sentinels lack to agree, as the first of them shows; undefined if nothing. */
async function lackOfAgreement(
  regions: Asked,
  clients: ReadonlyMap<string, Redis>,
): Promise<string | undefined> {
  const { nodes, sentinels } = regions.topology;
  const primaries = new Set<string>();
  const lacks = await Promise.all(
    [...clients].map(async ([name, client]) => {
      const view = await readSentinel(client).catch((error: Error) => error.message);
      if (typeof view === 'string') return `${name}: ${view}`;
      primaries.add(view.primary);
      if (view.flags.length > 0) return `${name} says of the primary: ${view.flags.join(', ')}`;
      if (view.replicas < nodes.length - 1)
        return `${name} knows ${view.replicas} of ${nodes.length - 1} replicas`;
      if (view.otherSentinels < sentinels.length - 1)
        return `${name} knows ${view.otherSentinels} of ${sentinels.length - 1} other Sentinels`;
      return undefined;
    }),
  );
  const lack = lacks.find((each) => each !== undefined);
  if (lack !== undefined || primaries.size === 1) return lack;
  return `they name ${primaries.size} primaries`;
}

/** One Sentinel as it reports itself. */
export interface SentinelStatus {
  readonly name: string;
  readonly region: string;
  readonly address: string;
  /** The node that it names as the primary, or an address that no node has; absent if it does not answer. */
  readonly primary?: string;
  /** What it says of that node, like `s_down`; empty while all is well. */
  readonly flags: readonly string[];
}

/** Every Sentinel as it reports itself. */
export async function readSentinels(regions: Asked): Promise<SentinelStatus[]> {
  const { sentinels, nodes } = regions.topology;
  const nameOf = new Map(nodes.map(({ name }) => [announcedAddress(regions, name), name]));
  const clients = connectSentinels(regions);
  const statuses = sentinels.map(async ({ name, region }): Promise<SentinelStatus> => {
    const client = clients.get(name);
    const view = client && (await readSentinel(client).catch(() => undefined));
    client?.disconnect();
    const it = { name, region, address: announcedAddress(regions, name) };
    if (view === undefined) return { ...it, flags: [] };
    return { ...it, primary: nameOf.get(view.primary) ?? view.primary, flags: view.flags };
  });
  return Promise.all(statuses);
}
