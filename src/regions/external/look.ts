import type { Redis } from 'ioredis';
import { isInCluster } from '../../topology/topology.ts';
import {
  isClusterDisabled,
  isLoginRefused,
  type NodeView,
  parseClusterNodes,
} from '../cluster/cluster-view.ts';
import { connectDirect } from '../cluster/connect-direct.ts';
import { pingTime } from '../cluster/ping-time.ts';
import { exchange } from '../network/exchange.ts';
import { announcedAddress, type Endpoint, type Login, type Regions } from '../provider.ts';

/** What a node that was already running says of itself. Nothing is written to it. */
export interface NodeLook {
  readonly name: string;
  readonly region: string;
  /** Why it says nothing; then no other field but the address is known. */
  readonly trouble?: { readonly kind: 'down' | 'locked'; readonly message: string };
  /** `host:port` by which clients know it: as it announces itself, else as they reach it. */
  readonly announced: string;
  /** The same port at the host name that it announces, and at the address that a host name of the file stands for. */
  readonly aliases?: readonly string[];
  readonly role?: 'primary' | 'replica';
  readonly isCluster?: boolean;
  /** The program and its version, like `redis 8.0.2`. */
  readonly server?: string;
  /** Absent if its memory is not limited. */
  readonly eviction?: string;
  readonly persistence?: 'aof' | 'snapshots' | 'none seen';
  /** Of a primary: replicas that are linked. */
  readonly replicas?: number;
  /** Why it runs no script, or takes no WAIT. */
  readonly refused?: Readonly<Partial<Record<'script' | 'wait' | 'clock' | 'keys', string>>>;
  /** It announces an address that this machine does not reach. */
  readonly isBeyondReach?: true;
  /** Of a PING, the least of four. */
  readonly roundTripMs?: number;
  /** All nodes of its cluster, as it sees them. */
  readonly cluster?: readonly NodeView[];
}

/** Asks every node of an endpoints file. */
export async function lookAt(regions: Regions): Promise<NodeLook[]> {
  return Promise.all(regions.topology.nodes.map(({ name, region }) => lookAtNode(regions, name, region)));
}

/** The regions with the addresses that their nodes announced, by which clients name them. */
export function withAnnounced(regions: Regions, looks: readonly NodeLook[]): Regions {
  const announced = new Map(looks.map((look) => [look.name, endpointOf(look.announced)]));
  const aliases = new Map(looks.map((look) => [look.name, look.aliases ?? []]));
  return {
    ...regions,
    announced: (name) => announced.get(name) ?? regions.announced(name),
    aliases: (name) => aliases.get(name) ?? [],
  };
}

function endpointOf(address: string): Endpoint {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}

async function lookAtNode(regions: Regions, name: string, region: string): Promise<NodeLook> {
  const client = connectDirect(regions.direct(name));
  let lastError: Error | undefined;
  client.on('error', (error: Error) => {
    lastError = error;
  });
  try {
    const look = await ask(client, isInCluster(regions.topology));
    const isReached = look.cluster === undefined || (await answersAt(look.announced, regions.direct(name)));
    return { name, region, ...look, ...(!isReached && { isBeyondReach: true }) };
  } catch (error) {
    const kind = [error, lastError].some(isLoginRefused) ? 'locked' : 'down';
    const { message } = lastError ?? (error as Error);
    return { name, region, announced: announcedAddress(regions, name), trouble: { kind, message } };
  } finally {
    client.disconnect();
  }
}

const ANSWER_MS = 2_000;

/** Clients of a cluster go to the address that a node announces, whatever its file says. */
async function answersAt(announced: string, direct: Endpoint & Login): Promise<boolean> {
  const { host, port } = endpointOf(announced);
  if (host === '') return false;
  if (host === direct.host && port === direct.port) return true;
  const tls = direct.tls && { tls: { servername: direct.host, ...direct.tls } };
  return (await exchange(['PING'], { to: { ...direct, host, port, ...tls }, withinMs: ANSWER_MS }))
    .isAnswered;
}

/** What a Sentinel says; undefined without an answer. */
export interface SentinelLook {
  readonly address: string;
  /** `host:port` of the primary; absent if it knows none of that name. */
  readonly primary?: string;
  readonly trouble?: string;
}

/** Asks every Sentinel of an endpoints file for the primary; of another kind there are none. */
export async function lookAtSentinels(regions: Regions, login: Login): Promise<SentinelLook[]> {
  const [region = ''] = regions.topology.regions;
  const { seeds, kind, primary = '' } = regions.view(region);
  if (kind !== 'sentinel') return [];
  return Promise.all(
    seeds.map(async (seed): Promise<SentinelLook> => {
      const address = `${seed.host}:${seed.port}`;
      const client = connectDirect({ ...seed, ...login });
      try {
        const found = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primary);
        return { address, ...(Array.isArray(found) && { primary: found.map(String).join(':') }) };
      } catch (error) {
        return { address, trouble: (error as Error).message };
      } finally {
        client.disconnect();
      }
    }),
  );
}

async function ask(
  client: Redis,
  wantsCluster: boolean,
): Promise<Omit<NodeLook, 'name' | 'region' | 'trouble'>> {
  const info = await client.info();
  const of = (field: string) => new RegExp(`^${field}:(\\S+)`, 'm').exec(info)?.[1];
  const nodes = await client.call('CLUSTER', 'NODES').catch((error: Error) => {
    if (isClusterDisabled(error) || !wantsCluster) return undefined;
    throw error;
  });
  const cluster = nodes === undefined ? undefined : parseClusterNodes(String(nodes));
  const own = cluster?.find(({ isMyself }) => isMyself);
  const role = /^role:slave/m.test(info) ? 'replica' : 'primary';
  const isLimited = Number(of('maxmemory') ?? 0) > 0;
  const reached = reachedAddress(client);
  const announced = own?.address.split('@')[0] ?? reached;
  const port = announced.slice(announced.lastIndexOf(':') + 1);
  return {
    announced,
    aliases: [reached, ...(own?.hostname === undefined ? [] : [`${own.hostname}:${port}`])],
    ...{ role, isCluster: cluster !== undefined, server: serverOf(of) },
    ...(isLimited && { eviction: of('maxmemory_policy') ?? 'unknown' }),
    persistence: persistenceOf(of),
    ...(role === 'primary' && { replicas: Number(of('connected_slaves') ?? 0) }),
    refused: await whatIsRefused(client, role),
    roundTripMs: await pingTime(client),
    ...(cluster && { cluster }),
  };
}

/** With a host name in the file, decisions name the address that it stands for. */
function reachedAddress({ stream, options: { host, port } }: Redis): string {
  const { remoteAddress = host, remotePort = port } = stream ?? {};
  return `${remoteAddress}:${remotePort}`;
}

type FieldOf = (field: string) => string | undefined;

function serverOf(of: FieldOf): string {
  const valkey = of('valkey_version');
  return valkey === undefined
    ? `redis ${of('redis_version') ?? 'of an unknown version'}`
    : `valkey ${valkey}`;
}

/** Whether snapshots are scheduled is in CONFIG alone, which managed servers refuse; one that was made shows it. */
function persistenceOf(of: FieldOf): NonNullable<NodeLook['persistence']> {
  if (of('aof_enabled') === '1') return 'aof';
  return Number(of('rdb_saves') ?? 0) > 0 ? 'snapshots' : 'none seen';
}

/** A script without keys that returns 1, a WAIT for no replica, TIME, and a key that nothing has. None of them writes. */
async function whatIsRefused(
  client: Redis,
  role: 'primary' | 'replica',
): Promise<NonNullable<NodeLook['refused']>> {
  const why = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      ({ message }: Error) => message,
    );
  const key = 'rate:openclaw:doctor';
  const [script, wait, clock, exists, unlink] = await Promise.all([
    why(client.eval('return 1', 0)),
    role === 'primary' ? why(client.call('WAIT', 0, 1)) : undefined, // a replica refuses it always
    why(client.time()),
    why(client.exists(key)),
    why(client.unlink(key)),
  ]);
  const keys = [exists, unlink].find((message = '') => /NOPERM|unknown command/.test(message)); // not MOVED
  return {
    ...(script && { script }),
    ...(wait && { wait }),
    ...(clock && { clock }),
    ...(keys && { keys }),
  };
}
