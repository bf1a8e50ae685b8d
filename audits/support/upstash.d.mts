import type { RedisOptions } from 'ioredis';

/** What tests use of the client of @upstash/redis. */
export interface UpstashClient {
  set(key: string, value: unknown): Promise<unknown>;
  get(key: string): Promise<unknown>;
  incr(key: string): Promise<number>;
  scriptLoad(source: string): Promise<string>;
  eval(source: string, keys: string[], args: unknown[]): Promise<unknown>;
  evalsha(sha: string, keys: string[], args: unknown[]): Promise<unknown>;
  pipeline(): UpstashPipeline;
}

interface UpstashPipeline {
  set(key: string, value: unknown): UpstashPipeline;
  get(key: string): UpstashPipeline;
  incr(key: string): UpstashPipeline;
  exec(): Promise<unknown[]>;
}

export declare function connectUpstash(
  redis: { readonly cluster: boolean },
  ioredis: { readonly nodes: readonly { host: string; port: number }[]; readonly redisOptions: RedisOptions },
): Promise<{ client: UpstashClient; url: string; close(): void }>;
