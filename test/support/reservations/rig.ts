import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { vi } from 'vitest';
import { type Policy, parsePolicy } from '../../../src/core/policy.ts';
import { createLimiter, type LimiterOptions } from '../../../src/limiter/create.ts';
import type { Limiter } from '../../../src/limiter/limiter.ts';
import { fromIoredis } from '../../../src/limiter/redis/ioredis/open.ts';
import type { RedisSource } from '../../../src/limiter/redis/port.ts';
import type { Script } from '../../../src/limiter/redis/script.ts';
import { type RedisProxy, startRedisProxy } from '../redis-proxy.ts';
import { startTestServer, type TestServer } from '../server.ts';
import { Audit } from './audit.ts';
import { monitorScripts } from './monitor.ts';

/** A change of one of the scripts: a mistake that the judges must find. */
export type Mistake = (script: Script) => Script;

export interface RigOptions {
  readonly command: string;
  readonly policies: Readonly<Record<string, string>>;
  readonly replicas: number;
  /** Whether the strategy is `acked`, else `central`. Default: if there are replicas. */
  readonly isAcked?: boolean;
  /** The number of processes, each with a limiter and connections of its own. */
  readonly processes: number;
  readonly mistake?: Mistake;
}

const TIMEOUT_MS = 1_500;
const same: Mistake = (script) => script;

/** A primary that can fail over, and the processes that use it; each reaches it by a proxy that can lose replies. */
export class Rig {
  readonly #options: RigOptions;
  readonly #audits: Audit[] = [];
  readonly #scripts = new Map<string, string>();
  readonly #proxies: RedisProxy[] = [];
  readonly limiters: Limiter[] = [];
  readonly policies: Readonly<Record<string, Policy>>;
  /** The primary is the first. */
  #nodes: TestServer[] = [];
  /** What each node replicates through. */
  readonly #links = new Map<TestServer, RedisProxy>();
  #stopMonitor: () => Promise<void> = async () => {};

  constructor(options: RigOptions) {
    this.#options = options;
    const policies = Object.entries(options.policies).map(([name, text]) => [name, parsePolicy(text)]);
    this.policies = Object.fromEntries(policies);
  }

  async start(): Promise<void> {
    const { command, replicas, processes, policies, isAcked = replicas > 0, mistake = same } = this.#options;
    this.#nodes = [await startTestServer(command, CONFIG)];
    for (let i = 0; i < replicas; i++) await this.#addReplica();
    for (const replica of this.#nodes.slice(1)) await linked(replica);
    await this.#watch();
    for (let i = 0; i < processes; i++) {
      const proxy = await startRedisProxy(this.#primary.port);
      this.#proxies.push(proxy);
      const client = new Redis(proxy.port, '127.0.0.1', { lazyConnect: true });
      const redis = changing(fromIoredis(client, { commandTimeoutMs: TIMEOUT_MS }), mistake);
      const strategy = isAcked ? { strategy: 'acked', replicas } : { strategy: 'central' };
      const options = { ...strategy, policies, redis, prefix: 'p', decisionMemoryMs: 3_600_000 };
      this.limiters.push(createLimiter(options as LimiterOptions));
    }
    await Promise.all(this.limiters.map((limiter) => limiter.ready()));
  }

  get #primary(): TestServer {
    return this.#nodes[0] as TestServer;
  }

  get proxies(): readonly RedisProxy[] {
    return this.#proxies;
  }

  async #addReplica(): Promise<void> {
    const replica = await startTestServer(this.#options.command, CONFIG);
    this.#nodes.push(replica);
    await this.#link(replica);
  }

  /** Makes it a replica of the primary. */
  async #link(replica: TestServer): Promise<void> {
    const link = this.#links.get(replica) ?? (await startRedisProxy(this.#primary.port));
    this.#links.set(replica, link);
    link.serverPort = this.#primary.port;
    link.mode = 'pass';
    link.cut();
    await replica.client.replicaof('127.0.0.1', link.port);
  }

  /** Begins an audit of the primary with all that it has. No client uses it yet. */
  async #watch(): Promise<void> {
    const audit = new Audit(Object.values(this.policies));
    const { client, port } = this.#primary;
    const keys = await client.keys('*');
    const values = await Promise.all(keys.map(async (key) => [key, await client.getBuffer(key)] as const));
    audit.load(
      new Map(values.flatMap(([key, value]) => (value === null ? [] : [[key, value.toString('latin1')]]))),
    );
    const monitor = await monitorScripts(port, this.#scripts, (run) => audit.onRun(run));
    this.#stopMonitor = () => monitor.stop();
    this.#audits.push(audit);
  }

  /** Hands over to a replica, without loss. */
  async failOver(): Promise<void> {
    const [old, next, ...others] = this.#nodes as [TestServer, TestServer];
    await linked(next);
    await old.client.call('FAILOVER', 'TO', '127.0.0.1', String(next.port));
    await vi.waitUntil(async () => (await next.client.info('replication')).includes('role:master'), WAIT);
    this.#nodes = [next, ...others, old];
    await this.#promoted();
  }

  /** Kills the primary once it has written for so long what no replica has; one is promoted with what it has. */
  async crash(lagMs = 60): Promise<void> {
    const [old, next, ...others] = this.#nodes as [TestServer, TestServer];
    for (const replica of [next, ...others]) {
      await linked(replica);
      const link = this.#links.get(replica);
      if (link !== undefined) link.mode = 'hold-replies';
    }
    await sleep(lagMs);
    process.kill(old.process.pid, 'SIGKILL');
    await old.stop();
    await next.client.replicaof('NO', 'ONE');
    this.#nodes = [next, ...others];
    await this.#promoted();
    await this.#addReplica();
  }

  async #promoted(): Promise<void> {
    await this.#stopMonitor();
    await this.#watch();
    for (const replica of this.#nodes.slice(1)) await this.#link(replica);
    for (const proxy of this.#proxies) {
      proxy.serverPort = this.#primary.port;
      proxy.cut();
    }
  }

  /** What the audits of all primaries found, in their order. */
  async stop(): Promise<{ violations: string[]; seen: Audit['seen'] }> {
    await Promise.all(this.limiters.map((limiter) => limiter.close()));
    await sleep(50); // MONITOR of the last scripts
    await this.#stopMonitor();
    await Promise.all([...this.#proxies, ...this.#links.values()].map((proxy) => proxy.close()));
    await Promise.all(this.#nodes.map((node) => node.stop()));
    const seen = { takes: 0, reserves: 0, extensions: 0, settlements: 0, expiries: 0, repeats: 0 };
    for (const audit of this.#audits)
      for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name] += audit.seen[name];
    return { violations: this.#audits.flatMap((audit) => [...audit.finish()]), seen };
  }
}

const CONFIG = ['--repl-diskless-sync-delay', '0', '--repl-backlog-size', '64mb'];
const WAIT = { timeout: 30_000, interval: 5 };

/** Waits until a replica has a link to its primary, and is in step. */
async function linked({ client }: TestServer): Promise<void> {
  const isLinked = async () => (await client.info('replication')).includes('master_link_status:up');
  await vi.waitUntil(isLinked, WAIT);
}

/** The source, whose scripts have a mistake. */
function changing(source: RedisSource, mistake: Mistake): RedisSource {
  return {
    ...source,
    open() {
      const port = source.open();
      return { ...port, run: (script, keys, args) => port.run(mistake(script), keys, args) };
    },
    openAcked(options) {
      const port = source.openAcked(options);
      return {
        ...port,
        run: (script, keys, args) => port.run(mistake(script), keys, args),
        runAcked: (script, keys, args) => port.runAcked(mistake(script), keys, args),
      };
    },
  };
}
