import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { judgeHistory } from '../../src/checker/judge-history.ts';
import { type Decision, formatEvidence, parseEvidence } from '../../src/core/decision.ts';
import { HistoryReader } from '../../src/history/reader.ts';
import { encodeRecord } from '../../src/history/records/codec.ts';
import type { Operation } from '../../src/history/records/operation.ts';
import { createLimiter, type LimiterOptions } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import { Recorder } from '../../src/load/recorder.ts';
import { headerOf } from '../support/history.ts';
import { type RedisProxy, startRedisProxy } from '../support/redis-proxy.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const POLICY = '30:10/s';
const ada = { user: 'ada', endpoint: 'e' };
/** Within the capacity together with all else, so that all is admitted rightly. */
const TAKES = 20;
/** The bucket is full again by then and loses what these takes would have made room for. */
const LATER_MS = 700;

/**
 * A failure policy answers while a request is on its way. Redis charges it when it arrives, and what it denies from then
 * on it denies rightly.
 */
describe.each(SERVERS)('takes that %s charges after a failure policy has answered them', (command) => {
  let server: TestServer;
  let proxy: RedisProxy;
  let late: Limiter;
  let near: Limiter;
  let books: Books;
  beforeAll(async () => {
    server = await startTestServer(command);
  });
  beforeEach(async () => {
    await server.client.flushall();
    proxy = await startRedisProxy(server.port);
    books = new Books();
    near = createLimiter({ policy: POLICY, redis: { urls: [server.url], commandTimeoutMs: 10_000 } });
    await near.ready();
  });
  afterEach(async () => {
    process.kill(server.process.pid, 'SIGCONT');
    for (const limiter of [late, near]) await limiter.close();
    await proxy.close(); // what it still holds is of no other test
  });
  afterAll(async () => {
    await server?.stop();
  });

  async function openLate(port: number, onFailure: LimiterOptions['onFailure']): Promise<Limiter> {
    const redis = { urls: [`redis://127.0.0.1:${port}`], commandTimeoutMs: 300 };
    const limiter = createLimiter({ policy: POLICY, redis, ...(onFailure && { onFailure }) });
    const isReady = () =>
      limiter.ready().then(
        () => true,
        () => false, // a busy machine may need longer than takes are waited for here
      );
    await expect.poll(isReady).toBe(true);
    return limiter;
  }

  async function countScripts(): Promise<number> {
    const stats = await server.client.info('commandstats');
    return [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
  }

  async function drain(): Promise<void> {
    for (let denials = 0; denials < 3; ) if (!(await books.take(near, ada)).allowed) denials++;
  }

  const holds = {
    'stood still': {
      port: () => server.port,
      hold: () => process.kill(server.process.pid, 'SIGSTOP'),
      release: () => process.kill(server.process.pid, 'SIGCONT'),
      meanwhile: async () => {},
    },
    'was reached over a slow link': {
      port: () => proxy.port,
      hold: () => {
        proxy.mode = 'hold-requests';
      },
      release: () => proxy.releaseRequests(),
      meanwhile: async () => void (await books.take(near, ada)), // its level is from before the charges
    },
  };

  it.each(
    Object.keys(holds).flatMap((how) => [
      { how: how as keyof typeof holds, who: 'local shares', onFailure: { localShare: 1 } },
      { how: how as keyof typeof holds, who: 'open', onFailure: 'open' as const },
    ]),
  )('are no reason to convict: the server $how, $who', async ({ how, onFailure }) => {
    const { port, hold, release, meanwhile } = holds[how];
    late = await openLate(port(), onFailure);
    await books.take(late, ada);
    await books.take(near, ada);
    const scripts = await countScripts();
    hold();
    const answered = await Promise.all(Array.from({ length: TAKES }, () => books.take(late, ada)));
    expect(answered.map(({ allowed, evidence }) => [allowed, evidence.source, evidence.charge])).toEqual(
      answered.map(() => [true, 'fallback', 'possible']),
    );
    await meanwhile();
    await sleep(LATER_MS); // it is time itself that fills a bucket
    release();
    await expect.poll(countScripts).toBeGreaterThanOrEqual(scripts + TAKES); // all of them arrive
    await drain();
    for (const form of FORM_NAMES) {
      const { verdict, falseDenials, replay, overAdmission } = books.judge(form);
      expect({
        convicted: verdict === 'fail',
        falseDenials: falseDenials.findings,
        replay: replay.findings,
        overAdmission: overAdmission.findings,
      }).toEqual({ convicted: false, falseDenials: [], replay: [], overAdmission: [] });
    }
  });
});

/** What the load writes, what a program of its own writes, and what was written before a charge was part of evidence. */
const FORMS: Readonly<Record<'recorded' | 'of a program' | 'kept', (operation: Operation) => Operation>> = {
  recorded: (operation) => operation,
  'of a program': ({ maxCharge: _, ...operation }) => operation,
  kept({ maxCharge: _, decision, ...operation }) {
    if (decision === undefined) return operation;
    const { charge: __, ...evidence } = decision;
    return { ...operation, decision: evidence };
  },
};
const FORM_NAMES = Object.keys(FORMS) as (keyof typeof FORMS)[];

/** The books that the load keeps, of takes that are asked for directly. */
class Books {
  readonly #operations: Operation[] = [];
  readonly #recorder = new Recorder((operation) => this.#operations.push(operation));

  async take(limiter: Limiter, subject: typeof ada): Promise<Decision> {
    const open = this.#recorder.invoke({ bucket: 'b', user: 'ada', region: 'r', process: 0, cost: 1 });
    const answer = await limiter.take(subject);
    const decision = parseEvidence(formatEvidence(answer.evidence)); // as it comes over HTTP
    this.#recorder.complete(open, {
      ...(answer.allowed ? { outcome: 'allowed', status: 201 } : { outcome: 'denied', status: 429 }),
      ...(decision && { decision }),
    });
    return answer;
  }

  judge(form: keyof typeof FORMS) {
    const end = { type: 'end', atUs: Math.ceil(this.#recorder.nowUs()), sent: this.#recorder.sent } as const;
    const operations = this.#operations.map(FORMS[form]);
    const lines = [headerOf(POLICY), ...operations, end].map(encodeRecord);
    const reader = new HistoryReader();
    reader.startFile('late.ndjson');
    reader.push(new TextEncoder().encode(lines.join('')));
    reader.endFile();
    return judgeHistory(reader.finish());
  }
}
