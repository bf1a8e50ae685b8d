import { setTimeout as sleep } from 'node:timers/promises';
import { vi } from 'vitest';
import { type RedisProxy, startRedisProxy } from './redis-proxy.ts';
import { startTestServer, type TestServer } from './server.ts';

const CONFIG = ['--repl-diskless-sync-delay', '0', '--repl-backlog-size', '64mb'];
const WAIT = { timeout: 30_000, interval: 5 };

/** A primary with replicas that take over from it, and proxies by which clients always reach the primary of the moment. */
export class FailingPrimary {
  readonly #command: string;
  /** The primary is the first. */
  #nodes: TestServer[] = [];
  /** What each node replicates through. */
  readonly #links = new Map<TestServer, RedisProxy>();
  readonly #proxies: RedisProxy[] = [];
  /** Called with each new primary, before any client reaches it. */
  readonly #onPromoted: (primary: TestServer) => Promise<void>;

  constructor(command: string, onPromoted: (primary: TestServer) => Promise<void> = async () => {}) {
    this.#command = command;
    this.#onPromoted = onPromoted;
  }

  async start({ replicas, proxies }: { replicas: number; proxies: number }): Promise<void> {
    this.#nodes = [await startTestServer(this.#command, CONFIG)];
    for (let i = 0; i < replicas; i++) await this.#addReplica();
    for (const replica of this.#nodes.slice(1)) await linked(replica);
    await this.#onPromoted(this.primary);
    for (let i = 0; i < proxies; i++) this.#proxies.push(await startRedisProxy(this.primary.port));
  }

  get primary(): TestServer {
    return this.#nodes[0] as TestServer;
  }

  get proxies(): readonly RedisProxy[] {
    return this.#proxies;
  }

  async #addReplica(): Promise<void> {
    const replica = await startTestServer(this.#command, CONFIG);
    this.#nodes.push(replica);
    await this.#link(replica);
  }

  /** Makes it a replica of the primary. */
  async #link(replica: TestServer): Promise<void> {
    const link = this.#links.get(replica) ?? (await startRedisProxy(this.primary.port));
    this.#links.set(replica, link);
    link.serverPort = this.primary.port;
    link.mode = 'pass';
    link.cut();
    await replica.client.replicaof('127.0.0.1', link.port);
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
    await this.#onPromoted(this.primary);
    for (const replica of this.#nodes.slice(1)) await this.#link(replica);
    for (const proxy of this.#proxies) {
      proxy.serverPort = this.primary.port;
      proxy.cut();
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#proxies, ...this.#links.values()].map((proxy) => proxy.close()));
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }
}

/** Waits until a replica has a link to its primary, and is in step. */
async function linked({ client }: TestServer): Promise<void> {
  const isLinked = async () => (await client.info('replication')).includes('master_link_status:up');
  await vi.waitUntil(isLinked, WAIT);
}
