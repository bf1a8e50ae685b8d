import { Redis } from 'ioredis';
import { type Policy, parsePolicy } from '../../../src/core/policy.ts';
import { createLimiter, type LimiterOptions } from '../../../src/limiter/create.ts';
import type { Limiter } from '../../../src/limiter/limiter.ts';
import { fromIoredis } from '../../../src/limiter/redis/ioredis/open.ts';
import type { RedisSource } from '../../../src/limiter/redis/port.ts';
import type { Script } from '../../../src/limiter/redis/script.ts';
import { FailingPrimary } from '../failing-primary.ts';
import type { RedisProxy } from '../redis-proxy.ts';
import type { TestServer } from '../server.ts';
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
  readonly #server: FailingPrimary;
  readonly limiters: Limiter[] = [];
  readonly policies: Readonly<Record<string, Policy>>;
  #stopMonitor: () => Promise<void> = async () => {};

  constructor(options: RigOptions) {
    this.#options = options;
    const policies = Object.entries(options.policies).map(([name, text]) => [name, parsePolicy(text)]);
    this.policies = Object.fromEntries(policies);
    this.#server = new FailingPrimary(options.command, (primary) => this.#watch(primary));
  }

  async start(): Promise<void> {
    const { replicas, processes, policies, isAcked = replicas > 0, mistake = same } = this.#options;
    await this.#server.start({ replicas, proxies: processes });
    for (const proxy of this.proxies) {
      const client = new Redis(proxy.port, '127.0.0.1', { lazyConnect: true });
      const redis = changing(fromIoredis(client, { commandTimeoutMs: TIMEOUT_MS }), mistake);
      const strategy = isAcked ? { strategy: 'acked', replicas } : { strategy: 'central' };
      const options = { ...strategy, policies, redis, prefix: 'p', decisionMemoryMs: 3_600_000 };
      this.limiters.push(createLimiter(options as LimiterOptions));
    }
    await Promise.all(this.limiters.map((limiter) => limiter.ready()));
  }

  get proxies(): readonly RedisProxy[] {
    return this.#server.proxies;
  }

  failOver(): Promise<void> {
    return this.#server.failOver();
  }

  crash(): Promise<void> {
    return this.#server.crash();
  }

  /** Ends the audit of the primary before, and begins one of this with all that it has. No client uses it yet. */
  async #watch({ client, port }: TestServer): Promise<void> {
    await this.#stopMonitor();
    const audit = new Audit(Object.values(this.policies));
    const keys = await client.keys('*');
    const values = await Promise.all(keys.map(async (key) => [key, await client.getBuffer(key)] as const));
    audit.load(
      new Map(values.flatMap(([key, value]) => (value === null ? [] : [[key, value.toString('latin1')]]))),
    );
    const monitor = await monitorScripts(port, this.#scripts, (run) => audit.onRun(run));
    this.#stopMonitor = () => monitor.stop();
    this.#audits.push(audit);
  }

  /** What the audits of all primaries found, in their order. */
  async stop(): Promise<{ violations: string[]; seen: Audit['seen'] }> {
    await Promise.all(this.limiters.map((limiter) => limiter.close()));
    await this.#stopMonitor();
    await this.#server.stop();
    const seen = { takes: 0, reserves: 0, extensions: 0, settlements: 0, expiries: 0, repeats: 0 };
    for (const audit of this.#audits)
      for (const name of Object.keys(seen) as (keyof typeof seen)[]) seen[name] += audit.seen[name];
    return { violations: this.#audits.flatMap((audit) => [...audit.finish()]), seen };
  }
}

/** The source, whose scripts have a mistake. */
export function changing(source: RedisSource, mistake: Mistake): RedisSource {
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
