import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createSentinel } from 'redis';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { OpenclawError } from '../../src/core/errors.ts';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import type { RedisConnection } from '../../src/limiter/redis/connection.ts';
import { fromIoredis } from '../../src/limiter/redis/ioredis/open.ts';
import { fromNodeRedis } from '../../src/limiter/redis/node-redis/open.ts';
import type { RedisSource } from '../../src/limiter/redis/port.ts';
import type { ByHand } from '../support/by-hand.ts';
import { COUNT } from '../support/redis-ports.ts';
import { type ProxyMode, startRedisProxy } from '../support/redis-proxy.ts';
import {
  type BehindSentinels,
  PASSWORD,
  PRIMARY,
  SENTINEL_PASSWORD,
  startBehindSentinels,
} from '../support/sentinels.ts';

const HOST = '127.0.0.1';
const TIMEOUT_MS = 2_000;
const LONG = { timeout: 60_000, interval: 50 };

let behind: BehindSentinels;
beforeEach(async () => {
  behind = await startBehindSentinels();
}, 60_000);
afterEach(() => behind.stop());

/** By which address a client reaches the servers. */
type AddressMap = Record<string, { host: string; port: number }>;

const sentinels = () => behind.sentinels.map(({ port }) => ({ host: HOST, port }));

function byAddresses(): RedisConnection {
  return {
    urls: sentinels().map(({ port }) => `redis://${HOST}:${port}`),
    sentinel: { primary: PRIMARY, password: SENTINEL_PASSWORD },
    password: PASSWORD,
    commandTimeoutMs: TIMEOUT_MS,
  };
}

/** A client with settings by which it would send a command again, or use a replica. */
function byIoredis(natMap: AddressMap = {}): RedisSource {
  const client = new Redis({
    ...{ name: PRIMARY, sentinels: sentinels(), sentinelPassword: SENTINEL_PASSWORD, natMap },
    ...{ password: PASSWORD, db: 3, lazyConnect: true, role: 'slave', enableReadyCheck: false },
    ...{ maxRetriesPerRequest: 20, autoResendUnfulfilledCommands: true, reconnectOnError: () => 2 as const },
  });
  return fromIoredis(client, { commandTimeoutMs: TIMEOUT_MS });
}

function byNodeRedis(nodeAddressMap: AddressMap = {}): RedisSource {
  const client = createSentinel({
    ...{ name: PRIMARY, sentinelRootNodes: sentinels(), nodeAddressMap },
    nodeClientOptions: { password: PASSWORD, database: 3 },
    sentinelClientOptions: { password: SENTINEL_PASSWORD },
    ...{ maxCommandRediscovers: 16, masterPoolSize: 4, replicaPoolSize: 2, reserveClient: true },
  });
  return fromNodeRedis(client, { commandTimeoutMs: TIMEOUT_MS });
}

const WAYS = [
  { name: 'addresses', open: byAddresses, waits: true },
  { name: 'ioredis', open: byIoredis, waits: true },
  { name: 'node-redis', open: byNodeRedis, waits: false },
] as const;

function open(options: Partial<LimiterOptions> & Pick<LimiterOptions, 'redis'>): Limiter {
  const policies = options.policies ?? { default: '2:1/d' };
  const limiter = createLimiter({ ...options, policies } as LimiterOptions);
  onTestFinished(() => limiter.close());
  return limiter;
}

type Outcome = 'allowed' | 'denied' | OpenclawError;

/** One take each of many users, so that a second charge shows in the user's bucket. */
class Load {
  readonly outcomes = new Map<string, Outcome>();
  readonly name: string;
  /** The node of the last decision. */
  node: string | undefined;
  readonly #limiter: Limiter;
  readonly #done: Promise<unknown>;
  #isStopped = false;

  constructor(name: string, limiter: Limiter) {
    this.name = name;
    this.#limiter = limiter;
    this.#done = Promise.all([0, 1, 2, 3].map((worker) => this.#takes(worker)));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  failures(): OpenclawError[] {
    return [...this.outcomes.values()].filter((outcome) => outcome instanceof OpenclawError);
  }

  async #takes(worker: number): Promise<void> {
    for (let at = 0; !this.#isStopped; at++) {
      const user = `u${worker}-${at}`;
      try {
        const { allowed, evidence } = await this.#limiter.take({ user, endpoint: 'e' });
        this.outcomes.set(user, allowed ? 'allowed' : 'denied');
        this.node = evidence.node;
      } catch (error) {
        if (!(error instanceof OpenclawError)) throw error;
        this.outcomes.set(user, error);
      }
      await sleep(5);
    }
  }

  /** No take was executed twice. Only a failover without acks may forget one that was allowed. */
  async expectOnce({ mayForget }: { readonly mayForget: boolean }): Promise<void> {
    for (const [user, outcome] of this.outcomes) {
      const peek = () => this.#limiter.peek({ user, endpoint: 'e' });
      const { remainingTokens } = await vi.waitFor(peek, LONG); // late news of a failover ends a connection
      const wanted =
        outcome === 'allowed' ? (mayForget ? [1, 2] : [1]) : chargeOf(outcome) === 'none' ? [2] : [1, 2];
      expect(wanted, `${this.name} ${user}: ${outcome}`).toContain(remainingTokens);
    }
  }
}

const chargeOf = (outcome: Outcome) => (outcome instanceof OpenclawError ? outcome.charge : 'none');

const startLoads = (options: Partial<LimiterOptions> = {}) =>
  WAYS.filter(({ waits }) => waits || options.strategy !== 'acked').map(
    ({ name, open: redis }) =>
      new Load(name, open({ redis: redis(), prefix: `${name}:${options.strategy}`, ...options })),
  );

/** Waits until every load has its decisions from this server. */
const untilOn = ({ port }: ByHand, loads: readonly Load[]) =>
  vi.waitFor(
    () =>
      expect(loads.map(({ name, node }) => [name, node])).toEqual(
        loads.map(({ name }) => [name, `${HOST}:${port}`]),
      ),
    LONG,
  );

/** Waits until the Sentinels have another primary. */
const otherThan = async (before: ByHand) =>
  vi.waitFor(async () => {
    const primary = await behind.primary();
    expect(primary.port).not.toBe(before.port);
    return primary;
  }, LONG);

async function stopAll(loads: readonly Load[]): Promise<void> {
  await Promise.all(loads.map((load) => load.stop()));
  for (const load of loads) expect(load.outcomes.size).toBeGreaterThan(20);
}

/** How a proxy loses a reply, and how often the script has run then. */
const LOSSES = {
  'cut-before-reply': { code: 'REPLY_LOST', ran: 1 },
  'swallow-replies': { code: 'REPLY_TIMEOUT', ran: 1 },
  'cut-before-request': { code: 'REPLY_LOST', ran: 0 },
};

describe('a limiter behind Sentinels', { timeout: 120_000 }, () => {
  it('decides on the primary by every strategy of one server, and leaves no connection', async () => {
    const primary = await behind.primary();
    const nodes = [primary, ...behind.sentinels];
    const connections = async () => {
      const lists = await Promise.all(nodes.map(({ cli }) => cli('client', 'list')));
      return lists
        .join('\n')
        .split('\n')
        .filter((line) => !/name=sentinel-|cmd=psync|cmd=replconf/.test(line)).length;
    };
    await vi.waitFor(async () => expect(await connections()).toBe(nodes.length), LONG); // this one
    for (const { name, open: redis, waits } of WAYS) {
      const variants: Partial<LimiterOptions>[] = [
        {},
        { policies: { burst: '2:1/d', daily: '9:1/d' } },
        { strategy: 'article' },
        waits ? { strategy: 'acked', replicas: 2 } : { batch: true },
        waits ? { strategy: 'lease', replicas: 2 } : { strategy: 'lease-unacked' },
      ];
      for (const [at, options] of variants.entries()) {
        const limiter = open({ redis: redis(), prefix: `${name}${at}`, ...options });
        const take = () => limiter.take({ user: 'ada', endpoint: 'e' });
        const { allowed, evidence } = await vi.waitFor(take, LONG);
        expect([name, at, allowed]).toEqual([name, at, true]);
        if (evidence.source === 'redis') expect(evidence.node).toBe(`${HOST}:${primary.port}`);
        await limiter.close();
      }
    }
    await vi.waitFor(async () => expect(await connections()).toBe(nodes.length), LONG);
    expect(Number(await primary.cli('-n', '3', 'dbsize'))).toBeGreaterThan(0); // the database of the client
  });

  it('leaves no connection when it is closed while it connects', async () => {
    const sockets = () =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
    const before = sockets();
    for (const { open: redis, waits } of WAYS) {
      for (let at = 0; at < (waits ? 40 : 10); at++) {
        const strategy = waits && at % 2 ? ({ strategy: 'acked', replicas: 2 } as const) : {};
        const limiter = open({ redis: redis(), ...strategy });
        limiter.take({ user: 'ada', endpoint: 'e' }).catch(() => {});
        await sleep(at / 2);
        await limiter.close();
      }
    }
    await vi.waitFor(() => expect(sockets()).toBeLessThanOrEqual(before), LONG);
  });

  it('follows an ordered failover; no take is executed twice', async () => {
    const before = await behind.primary();
    const loads = startLoads();
    await untilOn(before, loads);
    await behind.sentinels[0]?.cli('sentinel', 'failover', PRIMARY);
    await untilOn(await otherThan(before), loads);
    await stopAll(loads);
    for (const load of loads) await load.expectOnce({ mayForget: true });
  });

  it('finds the new primary after SIGKILL; no take is executed twice, and none with acks is lost', async () => {
    const before = await behind.primary();
    const loads = startLoads();
    const acked = startLoads({ strategy: 'acked', replicas: 2 });
    await untilOn(before, [...loads, ...acked]);
    await before.stop();
    const after = await otherThan(before);
    await untilOn(after, loads);
    await behind.restart(before); // acks need two replicas again
    await untilOn(after, acked);
    await stopAll([...loads, ...acked]);
    for (const load of loads) await load.expectOnce({ mayForget: true });
    for (const load of acked) await load.expectOnce({ mayForget: false });
  });

  it('leaves a primary that only it still reaches', async () => {
    const before = await behind.primary();
    const loads = startLoads();
    await untilOn(before, loads);
    await before.cli('config', 'set', 'requirepass', 'other'); // its connections live on
    await before.cli('-a', 'other', 'client', 'kill', 'type', 'replica');
    const list = await before.cli('-a', 'other', 'client', 'list');
    for (const [, id] of list.matchAll(/^id=(\d+) .* name=sentinel-/gm))
      await before.cli('-a', 'other', 'client', 'kill', 'id', String(id));
    await untilOn(await otherThan(before), loads);
    expect(await before.cli('-a', 'other', 'role')).toMatch(/^master/);
    await stopAll(loads);
    for (const load of loads) await load.expectOnce({ mayForget: true });
  });

  it('fails without a charge on a primary that was demoted, and decides once it is none', async () => {
    const primary = await behind.primary();
    const loads = startLoads();
    await untilOn(primary, loads);
    await primary.cli('replicaof', HOST, String(behind.servers[1]?.port));
    const isReadOnly = ({ code }: OpenclawError) => code === 'REDIS_READ_ONLY';
    await vi.waitFor(() => expect(loads.every((load) => load.failures().some(isReadOnly))).toBe(true), LONG);
    await primary.cli('replicaof', 'no', 'one');
    for (const load of loads) load.node = undefined;
    await untilOn(primary, loads);
    await stopAll(loads);
    for (const load of loads) {
      expect(load.failures().filter(isReadOnly).map(chargeOf)).not.toContain('possible');
      await load.expectOnce({ mayForget: false });
    }
  });

  it('finds the new primary after SIGKILL while a Sentinel hangs', async () => {
    const before = await behind.primary();
    const loads = startLoads();
    await untilOn(before, loads);
    const [hung] = behind.sentinels; // which is asked first
    process.kill(hung?.pid ?? 0, 'SIGSTOP');
    await before.stop();
    await untilOn(await otherThan(before), loads);
    await stopAll(loads);
    for (const load of loads) await load.expectOnce({ mayForget: true });
  });

  it('finds the primary while one Sentinel is dead and one hangs', async () => {
    const [dead, hung] = behind.sentinels;
    await dead?.stop();
    process.kill(hung?.pid ?? 0, 'SIGSTOP');
    for (const { name, open: redis } of WAYS) {
      const limiter = open({ redis: redis(), prefix: name });
      const take = () => limiter.take({ user: 'ada', endpoint: 'e' });
      expect(await vi.waitFor(take, LONG)).toMatchObject({ allowed: true });
    }
  });

  it('says that a charge is possible, and sends nothing twice, where a reply is lost', async () => {
    const primary = await behind.primary();
    const proxy = await startRedisProxy(primary.port);
    onTestFinished(() => proxy.close());
    const map = { [`${HOST}:${primary.port}`]: { host: HOST, port: proxy.port } };
    for (const [name, source] of Object.entries({ ioredis: byIoredis(map), nodeRedis: byNodeRedis(map) })) {
      const port = source.open();
      onTestFinished(() => port.close());
      const count = (key: string) =>
        port.run(COUNT, [key], []).then(
          ({ values: [value] }) => value,
          (error) => error,
        );
      for (const [mode, { code, ran }] of Object.entries(LOSSES)) {
        await vi.waitFor(async () => expect(await count('before')).toBeTypeOf('number'), LONG);
        proxy.mode = mode as ProxyMode;
        expect(await count(name + mode)).toMatchObject({ code, charge: 'possible' });
        proxy.mode = 'pass';
        if (mode !== 'swallow-replies') proxy.cut(); // else the port gives the silent connection up
        await vi.waitFor(async () => expect(await count('before')).toBeTypeOf('number'), LONG);
        expect(await primary.cli('-n', '3', 'get', name + mode)).toBe(ran === 0 ? '' : String(ran));
      }
    }
  });
});
