import type { Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import type { Operation } from '../../src/history/records/operation.ts';
import { monotonicUs } from '../../src/load/monotonic.ts';
import { createGateway } from '../../src/rating/gateway.ts';
import { type Answer, httpReply, type SeenRequest, startHttpServer } from '../support/http-server.ts';
import { loadOn, userOf } from '../support/load.ts';

const LATE_MS = 25;

/** A bucket that never lacks a token: it notes when it charged whom, on the clock of the load; each decision id once. */
class Bucket {
  readonly chargedUs = new Map<string, number[]>();
  readonly #ids = new Set<string>();
  late = 0;

  charge(request: SeenRequest): void {
    const id = idOf(request);
    if (id !== undefined && this.#ids.has(id)) return;
    if (id !== undefined) this.#ids.add(id);
    const user = userOf(request);
    this.chargedUs.set(user, [...(this.chargedUs.get(user) ?? []), monotonicUs()]);
  }

  chargeLate(request: SeenRequest): void {
    this.late++;
    setTimeout(() => {
      this.charge(request);
      this.late--;
    }, LATE_MS);
  }

  hasCharged(request: SeenRequest): boolean {
    const id = idOf(request);
    return id !== undefined && this.#ids.has(id);
  }
}

const idOf = ({ headers }: SeenRequest) => headers['x-openclaw-decision-id'];
const evidence = (source: string) => ({
  'openclaw-decision': `strategy="central", node="n", source=${source}`,
});
const problem = (charge: string) => JSON.stringify({ code: 'REPLY_TIMEOUT', charge });

type Answers = Record<string, (bucket: Bucket, request: SeenRequest, socket: Socket) => void>;

/** All that a service can do to a request: what it says, and when the bucket charges. */
const ANSWERS: Answers = {
  admits(bucket, request, socket) {
    bucket.charge(request);
    socket.write(httpReply(201, '{}', evidence('redis')));
  },
  'admits and does not say who decided'(bucket, request, socket) {
    bucket.charge(request);
    socket.write(httpReply(201));
  },
  'admits, and the reply is lost'(bucket, request, socket) {
    bucket.charge(request);
    socket.destroy();
  },
  'breaks off, and is charged late'(bucket, request, socket) {
    bucket.chargeLate(request);
    socket.resetAndDestroy();
  },
  denies(bucket, request, socket) {
    socket.write(httpReply(bucket.hasCharged(request) ? 201 : 429, '{}', evidence('redis')));
  },
  refuses(_bucket, _request, socket) {
    socket.write(httpReply(400));
  },
  'cannot decide'(_bucket, _request, socket) {
    socket.write(httpReply(503, problem('none')));
  },
  'cannot decide, and is charged late'(bucket, request, socket) {
    bucket.chargeLate(request);
    socket.write(httpReply(503, problem('possible')));
  },
  'fails, and is charged late'(bucket, request, socket) {
    bucket.chargeLate(request);
    socket.write(httpReply(500, problem('possible')));
  },
  'admits by a failure policy'(_bucket, _request, socket) {
    socket.write(httpReply(201, '{}', evidence('fallback, charge=none')));
  },
  'admits by a failure policy, and is charged late'(bucket, request, socket) {
    bucket.chargeLate(request);
    socket.write(httpReply(201, '{}', evidence('fallback, charge=possible')));
  },
  'denies by a failure policy, and is charged late'(bucket, request, socket) {
    bucket.chargeLate(request);
    socket.write(httpReply(429, '{}', evidence('fallback, charge=possible')));
  },
};

it.each([{ services: 1 }, { services: 2 }, { services: 3 }])(
  'every charge is in the books, and open where it came late: a gateway and $services services',
  { timeout: 60_000 },
  async ({ services }) => {
    const bucket = new Bucket();
    const random = makeRandom(1, 'late answers');
    const kinds = Object.values(ANSWERS);
    const answer: Answer = (request, socket) =>
      kinds[Math.floor(random() * kinds.length)]?.(bucket, request, socket);
    const servers = await Promise.all(Array.from({ length: services }, () => startHttpServer(answer)));
    const [upstream = '', ...failOver] = servers.map(({ url }) => url);
    const gateway = createGateway({ region: 'r0', upstream, failOver });
    onTestFinished(async () => {
      await gateway.close();
      for (const server of servers) await server.stop();
    });
    const url = await gateway.listen({ host: '127.0.0.1', port: 0 });
    const { operations, recorder } = await loadOn({
      ...{ urls: [url], operationsEach: 50, durationMs: 40_000 },
      startAtUs: monotonicUs(),
    });
    await expect.poll(() => bucket.late).toBe(0);

    const users = operations.map(({ user }) => user);
    const alone = operations.filter(({ user }) => users.indexOf(user) === users.lastIndexOf(user));
    const wrong = alone.filter((operation) => !covers(operation, bucket.chargedUs.get(operation.user) ?? []));
    expect(wrong).toEqual([]);
    expect(operations).toHaveLength(recorder.sent);
    expect(alone.length).toBeGreaterThan(150);
    expect([...bucket.chargedUs.keys()].filter((user) => !users.includes(user))).toEqual([]);
  },
);

/** Whether an operation allows for these charges of its user, as a history is read. */
function covers(operation: Operation, chargedUs: readonly number[]): boolean {
  const { outcome, completedUs, cost, maxCharge, decision } = operation;
  const base = outcome === 'allowed' ? cost : 0;
  const open = outcome === 'info' ? cost : (maxCharge ?? base) - base;
  const late = chargedUs.filter((us) => completedUs === null || us > completedUs).length;
  const isDecided = outcome === 'allowed' && decision?.source !== 'fallback';
  return late <= open && chargedUs.length <= base + open && (!isDecided || chargedUs.length - late === cost);
}
