import { Cluster, Redis } from 'ioredis';
import { environmentFailed } from '../../core/errors.ts';
import { count } from '../../core/units.ts';
import type { Login, Regions, RegionView } from '../provider.ts';

/** A server may be slow after a fault, and a run must end. */
const WITHIN_MS = 20_000;
const AT_ONCE = 500;
const RETRY_MS = 200;

export interface KeyOptions {
  readonly login: Login;
  /** Of the Sentinels. */
  readonly sentinelLogin: Login;
}

/**
 * Deletes these keys by name on the nodes of every region, and gives how many there were. Throws ENVIRONMENT_FAILED
 * that names the regions in which some may be left.
 */
export async function deleteKeys(
  regions: Pick<Regions, 'topology' | 'view'>,
  keys: readonly string[],
  options: KeyOptions,
): Promise<number> {
  const names = regions.topology.regions;
  const results = await Promise.allSettled(names.map((name) => deleteIn(regions.view(name), keys, options)));
  const failures = results.flatMap((result, at) =>
    result.status === 'rejected' ? [`${names[at]}: ${(result.reason as Error).message}`] : [],
  );
  if (failures.length > 0)
    throw environmentFailed(
      `up to ${count(keys.length, 'key')} may be left (${failures.join('; ')})`,
      'they expire within an hour',
    );
  return results.reduce((sum, result) => sum + (result.status === 'fulfilled' ? result.value : 0), 0);
}

async function deleteIn(view: RegionView, keys: readonly string[], options: KeyOptions): Promise<number> {
  const client = connect(view, options);
  try {
    const deleted = await inTime(inParts(keys, (key) => client.unlink(key)));
    const left = await inTime(inParts(keys, (key) => client.exists(key)));
    if (left > 0) throw new Error(`${count(left, 'key')} came back`);
    return deleted;
  } finally {
    client.disconnect();
  }
}

async function inTime<T>(awaited: Promise<T>): Promise<T> {
  awaited.catch(() => {}); // after the deadline it fails, since the client disconnects
  const late = AbortSignal.timeout(WITHIN_MS);
  const deadline = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error(`no answer within ${WITHIN_MS / 1_000} s`)));
  });
  return Promise.race([awaited, deadline]);
}

/** The sum of the replies, a part of the keys at a time. */
async function inParts(keys: readonly string[], send: (key: string) => Promise<number>): Promise<number> {
  let sum = 0;
  for (let at = 0; at < keys.length; at += AT_ONCE) {
    const replies = await Promise.all(keys.slice(at, at + AT_ONCE).map(send));
    sum += replies.reduce((total, reply) => total + reply, 0);
  }
  return sum;
}

/** A client that tries again: a failover may be under way, and both commands may be repeated. */
function connect(
  { seeds, kind, primary = '' }: RegionView,
  { login, sentinelLogin }: KeyOptions,
): Redis | Cluster {
  const options = { ...login, retryStrategy: () => RETRY_MS, maxRetriesPerRequest: null };
  const client = openClient();
  client.on('error', () => {}); // the deadline reports it
  return client;

  function openClient(): Redis | Cluster {
    if (kind === 'single') return new Redis({ ...seeds[0], ...options });
    if (kind === 'cluster')
      return new Cluster([...seeds], { redisOptions: options, clusterRetryStrategy: () => RETRY_MS });
    return new Redis({
      ...options,
      sentinels: [...seeds],
      name: primary,
      ...sentinelOptions(sentinelLogin),
    });
  }
}

function sentinelOptions({ username, password, tls }: Login) {
  return {
    ...(username !== undefined && { sentinelUsername: username }),
    ...(password !== undefined && { sentinelPassword: password }),
    ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
  };
}
