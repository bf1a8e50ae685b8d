import { expect, it, onTestFinished } from 'vitest';
import { createLimiter } from '../../src/limiter/create.ts';
import { SERVERS, startTestServer } from '../support/server.ts';

const ada = { user: 'ada', endpoint: 'ratings' };

/** Processes are limiters with connections of their own; at one token an hour a slow machine refills nothing. */
it.each(SERVERS)('three processes admit 20 of 90 requests at once, on %s', async (command) => {
  const server = await startTestServer(command);
  onTestFinished(() => server.stop());
  const redis = { urls: [server.url], commandTimeoutMs: 10_000 };
  const processes = Array.from({ length: 3 }, () => createLimiter({ policy: '20:1/h', redis }));
  onTestFinished(() => Promise.all(processes.map((limiter) => limiter.close())).then(() => {}));
  await Promise.all(processes.map((limiter) => limiter.ready()));
  const decisions = await Promise.all(
    processes.flatMap((limiter) => Array.from({ length: 30 }, () => limiter.take(ada))),
  );
  const levels = decisions.flatMap(({ allowed, remainingTokens }) => (allowed ? [remainingTokens] : []));
  expect(new Set(levels)).toEqual(new Set(Array.from({ length: 20 }, (_, level) => level)));
  expect(levels).toHaveLength(20);
  const waitsUs = decisions.flatMap(({ allowed, retryAfterUs = 0 }) => (allowed ? [] : [retryAfterUs]));
  expect(waitsUs).toHaveLength(70);
  expect(Math.min(...waitsUs)).toBeGreaterThan(0);
  expect(Math.max(...waitsUs)).toBeLessThanOrEqual(3_600_000_000);
});
