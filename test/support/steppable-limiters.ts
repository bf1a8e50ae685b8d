import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { type SteppableServer, startSteppableServer } from './steppable-server.ts';

export const ada = { user: 'ada', endpoint: 'ratings' };
/** Where ada's bucket is by the default prefix. */
export const KEY = 'rate:openclaw:ada:ratings';

/** What the tests of a `describe` have in common: a server of their own, empty and with the right time before each. */
export interface SteppableLimiters {
  readonly server: SteppableServer;
  /** A limiter on that server that ends with the test. */
  limit(options: string | Partial<LimiterOptions>): Limiter;
}

/** To be called in a `describe`; what it gives is there once its tests run. */
export function steppableLimiters(command: string): SteppableLimiters {
  let server: SteppableServer | undefined;
  beforeAll(async () => {
    server = await startSteppableServer(command);
  });
  beforeEach(async () => {
    server?.setClockOffsetUs(0);
    await server?.client.flushall();
  });
  afterAll(() => server?.stop());

  return {
    get server() {
      if (server === undefined) throw new Error('there is a server only while tests run');
      return server;
    },
    limit(options) {
      const policies = typeof options === 'string' ? { policy: options } : options;
      const redis = { urls: [this.server.url], commandTimeoutMs: 10_000 };
      const limiter = createLimiter({ ...policies, redis } as LimiterOptions);
      onTestFinished(() => limiter.close());
      return limiter;
    },
  };
}
