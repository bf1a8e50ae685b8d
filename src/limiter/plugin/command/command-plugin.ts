import { dirname } from 'node:path';
import { Cluster } from 'ioredis';
import { parseRedisUrl } from '../../redis/connection.ts';
import { refused } from '../error.ts';
import type { LimiterPlugin, PluginLimiter, PluginOptions } from '../plugin.ts';
import { fillMs, promiseFor, readLimiterFile } from './limiter-file.ts';
import { startProgram } from './program.ts';
import { type NodeAddress, openRelay, type Relay } from './relay.ts';

/** The process that starts programs. */
export interface ProgramHost {
  /** The environment of a program, besides what `environmentOf` adds. */
  readonly env: Readonly<Record<string, string>>;
  /** Calls `end` when this process exits: then a program is killed that has not ended. */
  readonly atExit: (end: () => void) => void;
}

/** The plug-in of a file that describes a command. */
export async function loadCommand(file: string, { env, atExit }: ProgramHost): Promise<LimiterPlugin> {
  const { command, promise, severalPolicies, about } = await readLimiterFile(file);
  return {
    ...(promise !== undefined && { promise: (policy) => promiseFor(promise, policy) }),
    ...(severalPolicies !== undefined && { severalPolicies }),
    ...(about !== undefined && { about }),
    async createLimiter(options): Promise<PluginLimiter> {
      const relay = await relayFor(file, options);
      const program = await startProgram({
        ...{ file, command, folder: dirname(file) },
        env: { ...env, ...environmentOf(options, relay) },
        atExit,
        onFailure: (error) => {
          queueMicrotask(() => {
            throw error; // ends the service, as an uncaught error of a module does
          });
        },
      }).catch((error: unknown) => {
        relay?.close();
        throw error;
      });
      return {
        take: (user, take) => program.take(user, { ...take, nowMs: options.nowMs() }),
        async close() {
          await program.close();
          relay?.close();
        },
      };
    },
  };
}

/** What a program knows of its service. */
function environmentOf(options: PluginOptions, relay: Relay | undefined): Record<string, string> {
  const { redis, region, prefix, policy, policies } = options;
  const urls = redis.urls.map((url) => {
    const { host, port, tls } = parseRedisUrl(url);
    const place = relay?.addressOf({ host, port }) ?? { host, port };
    return `${tls === undefined ? 'redis' : 'rediss'}://${hostOf(place)}:${place.port}`;
  });
  return {
    OPENCLAW_RL_REGION: region,
    OPENCLAW_RL_PREFIX: prefix,
    OPENCLAW_RL_REDIS: urls.join(','),
    OPENCLAW_RL_REDIS_KIND: redis.cluster ? 'cluster' : 'server',
    OPENCLAW_RL_CAPACITY: String(policy.capacityTokens),
    OPENCLAW_RL_REFILL_TOKENS: String(policy.refill.tokens),
    OPENCLAW_RL_REFILL_US: String(policy.refill.perUs),
    OPENCLAW_RL_FILL_MS: String(fillMs(policy)),
    ...(policies && { OPENCLAW_RL_POLICIES: JSON.stringify(policies) }),
    ...(redis.username !== undefined && { REDIS_USERNAME: redis.username }),
    ...(redis.password !== undefined && { REDIS_PASSWORD: redis.password }),
    ...(redis.tls?.ca !== undefined && { OPENCLAW_RL_REDIS_CA: redis.tls.ca }),
    ...(redis.tls?.servername !== undefined && { OPENCLAW_RL_REDIS_SERVERNAME: redis.tls.servername }),
  };
}

function hostOf({ host }: NodeAddress): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Where a region is known by its local address: the way through it for a program that chooses none. */
async function relayFor(file: string, { redis, ioredis }: PluginOptions): Promise<Relay | undefined> {
  const { localAddress } = redis;
  if (localAddress === undefined) return undefined;
  if (redis.sentinel !== undefined) throw refused(file, 'cannot be used with Sentinels');
  return openRelay(redis.cluster ? await nodesOf(ioredis) : ioredis.nodes, localAddress);
}

/** The addresses of all nodes, as they announce them. CLUSTER SLOTS lacks replicas that have not replicated yet. */
async function nodesOf({ nodes, redisOptions }: PluginOptions['ioredis']): Promise<NodeAddress[]> {
  const cluster = new Cluster([...nodes], { redisOptions, lazyConnect: true });
  cluster.on('error', () => {}); // the connection rejects with it
  try {
    await cluster.connect();
    const lines = String(await cluster.call('CLUSTER', ['NODES']));
    return [...lines.matchAll(/^\S+ (\S+):(\d+)@/gm)].map(([, host = '', port]) => ({
      host,
      port: Number(port),
    }));
  } finally {
    cluster.disconnect();
  }
}
