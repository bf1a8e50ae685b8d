import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeHistory } from '../../../src/checker/judge-history.ts';
import { OpenclawError } from '../../../src/core/errors.ts';
import { parsePolicy } from '../../../src/core/policy.ts';
import { HistoryBuilder } from '../../../src/history/columns/builder.ts';
import { createLimiter } from '../../../src/limiter/create.ts';
import type { Limiter } from '../../../src/limiter/limiter.ts';
import { headerOf } from '../../support/history.ts';
import { loadOn } from '../../support/load.ts';
import { postRating, startService } from '../../support/rating-service.ts';
import { SERVERS, startTestServer, type TestServer } from '../../support/server.ts';

const POLICY = '20:8/s';
const shape = { connections: 12, users: 3, costs: [10], actuals: [1, 3, 8] };

/** Gives back the rest of a reservation once more. */
function givingTwice(limiter: Limiter): Limiter {
  return {
    ...limiter,
    async reserve(subject, options) {
      const reservation = await limiter.reserve(subject, options);
      return {
        ...reservation,
        async settle(actual) {
          const settlement = await reservation.settle(actual);
          const rest = reservation.heldTokens - Number(actual);
          if (rest > 0) await limiter.refund(subject, { cost: rest });
          return settlement;
        },
      };
    },
  };
}

describe.each(SERVERS)('a load that reserves and settles, on %s', (command) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(command);
  });
  afterAll(() => server.stop());

  const newLimiter = (prefix: string) =>
    createLimiter({
      policy: parsePolicy(POLICY),
      prefix,
      redis: { urls: [server.url], commandTimeoutMs: 10_000 },
    });

  async function judge(limiter: Limiter) {
    const url = await startService({ limiter, evidence: true });
    const { operations, recorder } = await loadOn({ urls: [url], shape, durationMs: 3_000 });
    const builder = new HistoryBuilder();
    builder.startFile('load');
    builder.add(headerOf(POLICY, { clocks: 'apart' }));
    for (const operation of operations) builder.add(operation);
    builder.add({ type: 'end', atUs: recorder.nowUs(), sent: recorder.sent });
    builder.endFile();
    return { operations, report: judgeHistory(builder.build(), { promise: 'token-bucket' }) };
  }

  it('is one operation each with its real cost, and passes', async () => {
    const { operations, report } = await judge(newLimiter('once'));
    const reserved = operations.filter(({ outcome }) => outcome === 'allowed');
    expect(reserved.length).toBeGreaterThan(10);
    for (const { cost, settled } of reserved) {
      expect(cost).toBe(10);
      expect([1, 3, 8]).toContain(settled?.cost);
    }
    expect(operations.some(({ outcome, settled }) => outcome === 'denied' && settled !== undefined)).toBe(
      false,
    );
    expect(report.outcomes.allowed).toBe(reserved.length);
    const real = reserved.reduce((sum, { settled }) => sum + (settled?.cost ?? 10), 0);
    expect(report.phases[0]?.admitted).toBe(real);
    expect({ excess: report.overAdmission.total, false: report.falseDenials.total }).toEqual({
      excess: 0,
      false: 0,
    });
  });

  it('fails if the limiter gives back twice', async () => {
    const { report } = await judge(givingTwice(newLimiter('twice')));
    expect(report.verdict).toBe('fail');
    expect(report.overAdmission.totalExcess).toBeGreaterThan(10);
  });

  it('says in the reply what became of the settlement, to tests only', async () => {
    const headers = { 'x-openclaw-cost': '10', 'x-openclaw-actual': '3' };
    const url = await startService({ limiter: newLimiter('reply'), evidence: true });
    const reserving = (more: Record<string, string>) =>
      postRating(url, 'ada', undefined, { ...headers, ...more });
    expect((await reserving({})).headers.get('openclaw-settled')).toBe('done');
    expect((await postRating(url)).headers.get('openclaw-settled')).toBeNull();
    const wrong = await reserving({ 'x-openclaw-actual': '11' });
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).toContain('from 0 to the one cost of the request');
    const plain = await startService({ limiter: newLimiter('plain') });
    const untested = await postRating(plain, 'ada', undefined, headers);
    expect(untested.headers.get('openclaw-settled')).toBeNull();
  });

  it.each([
    { charge: 'none', code: 'RESERVATION_UNKNOWN' },
    { charge: 'possible', code: 'NOT_ACKED' },
  ] as const)('admits although the settlement failed, charge $charge', async ({ charge, code }) => {
    const limiter = newLimiter(`failing-${charge}`);
    const failing: Limiter = {
      ...limiter,
      async reserve(subject, options) {
        const reservation = await limiter.reserve(subject, options);
        return { ...reservation, settle: async () => Promise.reject(new OpenclawError(code, 'gone')) };
      },
    };
    const url = await startService({ limiter: failing, evidence: true });
    const { operations } = await loadOn({ urls: [url], shape, operationsEach: 2 });
    const settled = new Set(
      operations.filter(({ outcome }) => outcome === 'allowed').map((one) => one.settled?.outcome),
    );
    expect([...settled]).toEqual([charge === 'none' ? 'failed' : 'info']);
  });
});
