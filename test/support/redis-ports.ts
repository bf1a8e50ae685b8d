import { createHash } from 'node:crypto';
import { Cluster, Redis } from 'ioredis';
import * as nodeRedis6 from 'redis';
import * as nodeRedis5 from 'redis-5';
import type { RedisConnection } from '../../src/limiter/redis/connection.ts';
import { connectAcked, connectIoredis, fromIoredis } from '../../src/limiter/redis/ioredis/open.ts';
import { fromNodeRedis } from '../../src/limiter/redis/node-redis/open.ts';
import type { RedisSource } from '../../src/limiter/redis/port.ts';
import type { Script } from '../../src/limiter/redis/script.ts';

interface Login {
  readonly username?: string;
  readonly password?: string;
}

/** A way to Redis that a service may choose, on a client whose own settings would send again or change replies. */
interface PortUnderTest {
  readonly name: string;
  standalone(port: number, commandTimeoutMs: number, login?: Login): RedisSource;
  cluster(ports: readonly number[], commandTimeoutMs: number, login?: Login): RedisSource;
  /** Behind the Sentinel on this port; not with node-redis 5. */
  sentinel?(port: number, commandTimeoutMs: number): RedisSource;
}

/** What the Sentinels of these tests call the primary. */
export const PRIMARY_NAME = 'mymaster';

const HOST = '127.0.0.1';

export const PORTS: readonly PortUnderTest[] = [
  {
    name: 'addresses',
    standalone: (port, commandTimeoutMs, login) =>
      byAddresses({ urls: [`redis://${HOST}:${port}`], commandTimeoutMs, ...login }),
    cluster: (ports, commandTimeoutMs, login) =>
      byAddresses({
        urls: ports.map((port) => `redis://${HOST}:${port}`),
        cluster: true,
        commandTimeoutMs,
        ...login,
      }),
    sentinel: (port, commandTimeoutMs) =>
      byAddresses({
        urls: [`redis://${HOST}:${port}`],
        sentinel: { primary: PRIMARY_NAME },
        commandTimeoutMs,
      }),
  },
  {
    name: 'ioredis',
    standalone: (port, commandTimeoutMs, login) =>
      fromIoredis(new Redis(port, HOST, { ...againByIoredis(), ...login }), { commandTimeoutMs }),
    cluster: (ports, commandTimeoutMs, login) =>
      fromIoredis(
        new Cluster(
          ports.map((port) => ({ host: HOST, port })),
          { lazyConnect: true, scaleReads: 'all', redisOptions: { ...againByIoredis(), ...login } },
        ),
        { commandTimeoutMs },
      ),
    sentinel: (port, commandTimeoutMs) =>
      fromIoredis(new Redis({ ...againByIoredis(), name: PRIMARY_NAME, sentinels: [{ host: HOST, port }] }), {
        commandTimeoutMs,
      }),
  },
  {
    name: 'node-redis 6',
    ...byNodeRedis(nodeRedis6),
    sentinel: (port, commandTimeoutMs) =>
      fromNodeRedis(
        nodeRedis6.createSentinel({ name: PRIMARY_NAME, sentinelRootNodes: [{ host: HOST, port }] }),
        { commandTimeoutMs },
      ),
  },
  { name: 'node-redis 5', ...byNodeRedis(nodeRedis5 as unknown as typeof nodeRedis6) },
];

function byAddresses(connection: RedisConnection): RedisSource {
  return {
    isCluster: connection.cluster ?? false,
    open: () => connectIoredis(connection),
    openAcked: (acks) => connectAcked(connection, acks),
  };
}

/** Settings with which ioredis sends a command twice, or gives replies as text. */
function againByIoredis() {
  return {
    lazyConnect: true,
    maxRetriesPerRequest: 20,
    autoResendUnfulfilledCommands: true,
    reconnectOnError: () => 2 as const,
    stringNumbers: true,
    retryStrategy: () => 10,
  };
}

function byNodeRedis({ createClient, createCluster, RESP_TYPES }: typeof nodeRedis6) {
  const settings = {
    commandOptions: { typeMapping: { [RESP_TYPES.NUMBER]: String } },
    commandsQueueMaxLength: 1,
  };
  return {
    standalone: (port: number, commandTimeoutMs: number, login?: Login) =>
      fromNodeRedis(
        createClient({ ...settings, socket: { host: HOST, port, reconnectStrategy: false }, ...login }),
        { commandTimeoutMs },
      ),
    cluster: (ports: readonly number[], commandTimeoutMs: number, login?: Login) =>
      fromNodeRedis(
        createCluster({
          rootNodes: ports.map((port) => ({ socket: { host: HOST, port } })),
          commandOptions: settings.commandOptions,
          defaults: { commandsQueueMaxLength: 1, socket: { reconnectStrategy: false }, ...login },
          useReplicas: true,
        }),
        { commandTimeoutMs },
      ),
  };
}

/** Counts in KEYS[1] how often it has run, and replies with that count. */
export const COUNT = script('count', "return {redis.call('INCR', KEYS[1])}");

export function script(name: string, source: string): Script {
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}
