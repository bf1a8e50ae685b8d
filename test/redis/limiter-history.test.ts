import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeHistory } from '../../src/checker/judge-history.ts';
import { makePolicy } from '../../src/core/policy.ts';
import { makeRandom } from '../../src/core/prng.ts';
import { HistoryReader } from '../../src/history/reader.ts';
import { encodeRecord } from '../../src/history/records/codec.ts';
import type { HistoryRecord, Operation } from '../../src/history/records/operation.ts';
import { createLimiter } from '../../src/limiter/create.ts';
import type { Limiter } from '../../src/limiter/limiter.ts';
import type { AnyOptions, LimiterOptions } from '../../src/limiter/options/limiter-options.ts';
import { SERVERS, startTestServer, type TestServer } from '../support/server.ts';

const POLICIES = { burst: makePolicy(4, '40/s'), long: makePolicy(30, '20/s') };
const USERS = ['ada', 'bob', 'eve'];
const WORKERS = 8;
const STEPS = 60;

/** Whatever the limiter can do leaves a history that the checker can judge, and holds. */
describe.each(SERVERS)('a history of everything that a limiter does on %s', (command) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer(command);
  });
  afterAll(() => server?.stop());

  it.each([
    { title: 'one by one', options: {} },
    { title: 'with local answers', options: { localAnswers: { forMs: 50 } } },
  ])('is judged, and passes: $title', async ({ options }) => {
    await server.client.flushall();
    const records = await record({ policies: POLICIES, ...options });
    const { verdict, overAdmission, falseDenials } = judge(records);
    expect({ verdict, over: overAdmission.findings, denials: falseDenials.findings }).toEqual({
      verdict: 'pass',
      over: [],
      denials: [],
    });
  });

  it('convicts when repeated answers are read as charges of their own', async () => {
    await server.client.flushall();
    const records = await record({ policies: POLICIES });
    const apart = records.map((one) => (one.type === 'op' ? { ...one, decisionId: undefined } : one));
    expect(judge(apart as HistoryRecord[]).verdict).toBe('fail');
  });

  async function record(options: Pick<AnyOptions, 'policies' | 'localAnswers'>): Promise<HistoryRecord[]> {
    const redis = { urls: [server.url], commandTimeoutMs: 10_000 };
    const limiter = createLimiter({ ...options, redis } as LimiterOptions);
    await limiter.ready();
    const recorder = new Recorder(limiter);
    await Promise.all(Array.from({ length: WORKERS }, (_, worker) => recorder.work(worker)));
    await limiter.close();
    return recorder.finish();
  }
});

const sum = (cost: number) => Object.keys(POLICIES).map((policy) => ({ policy, cost }));

function judge(records: readonly HistoryRecord[]) {
  const reader = new HistoryReader();
  reader.startFile('test');
  reader.push(new TextEncoder().encode(records.map(encodeRecord).join('')));
  reader.endFile();
  return judgeHistory(reader.finish(), { contested: 0 });
}

/** Uses a limiter at random and writes down what it was asked and what it said. */
class Recorder {
  readonly #limiter: Limiter;
  readonly #records: HistoryRecord[] = [];
  #sent = 0;

  constructor(limiter: Limiter) {
    this.#limiter = limiter;
  }

  async work(worker: number): Promise<void> {
    const random = makeRandom(worker, 'limiter-history');
    for (let step = 0; step < STEPS; step++) {
      const user = USERS[Math.floor(random() * USERS.length)] ?? 'ada';
      const kind = random();
      const cost = 1 + Math.floor(random() * 2);
      if (kind < 0.03) await this.#reset(user);
      else if (kind < 0.1) await this.#refund(user, worker, cost);
      else if (kind < 0.3) await this.#takeTwice(user, worker, { cost, decisionId: `d${worker}-${step}` });
      else await this.#take(user, worker, { cost });
    }
  }

  finish(): HistoryRecord[] {
    const header = {
      type: 'header',
      format: 'openclaw-history',
      version: 1,
      strategy: 'central',
      scenario: '',
      seed: 1,
      regions: [],
      startedAt: '',
      initial: 'full',
      policies: Object.fromEntries(
        Object.entries(POLICIES).map(([name, { capacityTokens, refill }]) => [
          name,
          { capacity: capacityTokens, refill },
        ]),
      ),
    } as const;
    return [header, ...this.#records, { type: 'end', atUs: nowUs(), sent: this.#sent }];
  }

  async #takeTwice(
    user: string,
    worker: number,
    options: { cost: number; decisionId: string },
  ): Promise<void> {
    await this.#take(user, worker, options);
    await this.#take(user, worker, options);
  }

  async #take(user: string, worker: number, options: { cost: number; decisionId?: string }): Promise<void> {
    const { decisionId } = options;
    const invokedUs = nowUs();
    const { allowed, evidence } = await this.#limiter.take({ user, endpoint: 'e' }, options);
    this.#add(user, worker, {
      cost: options.cost,
      invokedUs,
      outcome: allowed ? 'allowed' : 'denied',
      decision: evidence,
      ...(decisionId && { decisionId }),
    });
  }

  async #refund(user: string, worker: number, cost: number): Promise<void> {
    const invokedUs = nowUs();
    await this.#limiter.refund({ user, endpoint: 'e' }, { cost });
    this.#add(user, worker, { cost: -cost, invokedUs, outcome: 'allowed' });
  }

  async #reset(user: string): Promise<void> {
    const atUs = nowUs();
    for (const { policy } of sum(0))
      this.#records.push({ type: 'event', event: 'reset', atUs, args: { bucket: `${user}:${policy}` } });
    await this.#limiter.reset({ user, endpoint: 'e' });
  }

  #add(
    user: string,
    worker: number,
    { cost, ...rest }: Pick<Operation, 'cost' | 'invokedUs' | 'outcome' | 'decision' | 'decisionId'>,
  ): void {
    this.#records.push({
      type: 'op',
      index: this.#sent++,
      bucket: '',
      user,
      region: '',
      process: worker,
      cost,
      completedUs: Math.ceil(performance.now() * 1_000),
      charges: sum(cost).map((charge) => ({ ...charge, bucket: `${user}:${charge.policy}` })),
      ...rest,
    });
  }
}

function nowUs(): number {
  return Math.floor(performance.now() * 1_000);
}
