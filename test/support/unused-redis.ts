import type { AckedPort, RedisSource } from '../../src/limiter/redis/port.ts';

const port: AckedPort = {
  run: () => Promise.reject(new Error('run')),
  runAcked: () => Promise.reject(new Error('run')),
  ready: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** A Redis for limiters that decide nothing: every script fails. */
export const unusedRedis: RedisSource = { isCluster: false, open: () => port, openAcked: () => port };
