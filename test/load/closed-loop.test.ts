import { describe, expect, it, onTestFinished } from 'vitest';
import type { Operation } from '../../src/history/records/operation.ts';
import { freePort } from '../support/free-port.ts';
import { type Answer, httpReply, startHttpServer } from '../support/http-server.ts';
import {
  type Books,
  expectSoundBooks,
  loadAgainst,
  loadOn,
  signedReply,
  userOf,
  usersOf,
} from '../support/load.ts';

const CONNECTIONS = 4;

const answer: Answer = (request, socket) => socket.write(signedReply(request));

/** Answers as it should, except to the second request of every connection. */
function everySecond(fail: Answer): Answer {
  return (request, socket) => (request.nth === 1 ? fail : answer)(request, socket);
}

describe('the books hold every request once, each with its own reply, when the server', () => {
  it.each<[string, Answer, { lost: 'none' | 'any' | 'some' | 'all' }]>([
    ['answers', answer, { lost: 'none' }],
    [
      'answers byte by byte',
      (r, socket) => [...signedReply(r)].map((c) => socket.write(c)),
      { lost: 'none' },
    ],
    [
      'closes after a reply and says so',
      everySecond((r, s) => s.end(signedReply(r, { connection: 'close' }))),
      { lost: 'none' },
    ],
    ['closes right after a reply', everySecond((r, s) => s.end(signedReply(r))), { lost: 'some' }],
    [
      'closes some time after a reply',
      everySecond((r, s) => s.write(signedReply(r), () => setTimeout(() => s.end(), 2))),
      { lost: 'any' }, // a busy client has sent nothing more by then
    ],
    [
      'closes, then resets',
      everySecond((r, s) => s.end(signedReply(r), () => setImmediate(() => s.resetAndDestroy()))),
      { lost: 'some' },
    ],
    ['closes without a reply', (_, socket) => socket.destroy(), { lost: 'all' }],
    ['resets without a reply', (_, socket) => socket.resetAndDestroy(), { lost: 'all' }],
    ['breaks off within a head', everySecond((r, s) => s.end(signedReply(r).slice(0, 40))), { lost: 'some' }],
    ['breaks off within a body', everySecond((r, s) => s.end(signedReply(r).slice(0, -5))), { lost: 'some' }],
    [
      'breaks off a reply longer than the next',
      everySecond((_, s) => s.end(httpReply(201, '{', { 'content-length': '5000' }))),
      { lost: 'some' },
    ],
    ['breaks off within a chunk', everySecond((_, s) => s.end(CHUNKED)), { lost: 'some' }],
    ['does not speak HTTP', everySecond((_, s) => s.end('250 hello\r\n\r\n')), { lost: 'some' }],
    ['answers twice', everySecond((r, s) => s.write(signedReply(r) + signedReply(r))), { lost: 'none' }],
    [
      'hints before it answers',
      everySecond((r, s) => s.write('HTTP/1.1 103 Hint\r\n\r\n', () => setTimeout(() => answer(r, s), 5))),
      { lost: 'some' },
    ],
    [
      'answers without a length',
      everySecond((_, s) => s.end('HTTP/1.1 201 Created\r\n\r\n{}')),
      { lost: 'some' },
    ],
  ])('%s', async (_title, serve, { lost }) => {
    const { books, server } = await loadAgainst(serve, { operationsEach: 3 });
    expectSoundBooks(books, [server]);
    const { sent, counts } = books.recorder;
    for (const { operations } of perProcess(books)) expect(operations.length).toBeGreaterThanOrEqual(3); // it went on
    expect(counts.failed).toBe(0);
    if (lost === 'none') expect(counts.info).toBe(0);
    if (lost === 'all') expect(counts.info).toBe(sent);
    if (lost === 'some') expect(Math.min(counts.info, sent - counts.info)).toBeGreaterThan(0);
    for (const { outcome, error } of books.operations)
      if (outcome === 'info') expect(error).toMatch(/^(CONNECTION_LOST|HTTP_103)$/); // none was forgotten until the end
  });
});

const CHUNKED = 'HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\nffff\r\n{';

describe('the closed loop', () => {
  it('keeps its connections while the server answers, and sends on each the moment it was answered', async () => {
    const { books, server } = await loadAgainst(answer, { operationsEach: 50 });
    expect(server.accepted).toBe(CONNECTIONS);
    expect(books.recorder.counts.info).toBe(0);
    expect(usersOf(books.operations)).toEqual(server.requests.map(userOf).sort());
    for (const { operations } of perProcess(books)) {
      operations.forEach((operation, nth) => {
        const before = operations[nth - 1]?.completedUs ?? 0;
        expect(operation.invokedUs).toBeGreaterThanOrEqual(before - 1); // one down, one up: they may cross by one
      });
    }
  });

  it('calls it failed when the port is closed, and tries ten times a second at most', async () => {
    const port = await freePort();
    const books = await loadOn({ urls: [`http://127.0.0.1:${port}`], durationMs: 450, drainMs: 60_000 });
    expectSoundBooks(books, []);
    expect(books.recorder.counts.failed).toBe(books.recorder.sent);
    expect(books.tookMs).toBeLessThan(10_000); // nothing is open: there is nothing to wait for
    for (const { operations } of perProcess(books)) {
      expect(operations.length).toBeGreaterThan(1);
      expect(operations.length).toBeLessThanOrEqual(1 + books.tookMs / 100);
      expect(operations[0]).toMatchObject({ outcome: 'failed', error: 'CONNECT_FAILED' });
    }
  });

  it('waits for replies no longer than the drain, and records open requests as info', async () => {
    const { books } = await loadAgainst(() => {}, { durationMs: 100, drainMs: 200 });
    expect(books.operations).toHaveLength(CONNECTIONS);
    for (const operation of books.operations)
      expect(operation).toMatchObject({ outcome: 'info', error: 'LOAD_ENDED', completedUs: null });
    expect(books.tookMs).toBeGreaterThanOrEqual(300);
    expect(books.tookMs).toBeLessThan(5_000);
  });

  it('takes the time in which it sends, without that in which it waits for replies', async () => {
    const serve: Answer = (request, socket) => void setTimeout(() => answer(request, socket), 2_000);
    const { books } = await loadAgainst(serve, { durationMs: 200 });
    expect(books.operations).toHaveLength(CONNECTIONS);
    expect(books.operations.map(({ outcome }) => outcome)).not.toContain('info');
    expect(books.tookMs).toBeGreaterThanOrEqual(1_990);
    expect(books.loadMs).toBeGreaterThan(190); // timers may be a little early
    expect(books.loadMs).toBeLessThan(1_990);
  });

  it.each([
    { title: 'waits for the replies on their way', answered: CONNECTIONS, drainMs: 60_000 },
    { title: 'calls requests without a reply info', answered: 0, drainMs: 500 },
    { title: 'ignores bytes to connections without a request', answered: 3, drainMs: 1_000 },
  ])('sends no more once it is interrupted, and $title', async ({ answered, drainMs }) => {
    const interrupt = new AbortController();
    const held: (() => void)[] = [];
    const serve: Answer = (request, socket) => {
      if (request.serial < 20) return answer(request, socket);
      held.push(() => {
        answer(request, socket);
        setTimeout(() => socket.write(httpReply(408)), 20);
      });
      if (held.length < CONNECTIONS) return;
      interrupt.abort();
      for (const reply of held.slice(0, answered)) reply();
    };
    const options = { durationMs: 600_000, drainMs, signal: interrupt.signal };
    const { books, server } = await loadAgainst(serve, options);
    expectSoundBooks(books, [server]);
    expect(server.requests).toHaveLength(20 + CONNECTIONS);
    const lost = books.operations.filter(({ outcome }) => outcome === 'info');
    expect(lost.map(({ error }) => error)).toEqual(Array(CONNECTIONS - answered).fill('INTERRUPTED'));
    expect(books.tookMs).toBeLessThan(20_000);
  });

  it('waits for requests that hang no longer than half a second once it is interrupted', async () => {
    const interrupt = new AbortController();
    let held = 0;
    const hang: Answer = () => {
      held++;
      if (held === CONNECTIONS) interrupt.abort();
    };
    const options = { durationMs: 600_000, drainMs: 60_000, signal: interrupt.signal };
    const { books } = await loadAgainst(hang, options);
    expect(books.operations.map(({ error }) => error)).toEqual(Array(CONNECTIONS).fill('INTERRUPTED'));
    expect(books.tookMs).toBeLessThan(20_000); // where it waits for all of the drain it is a minute
  });

  it('sends each connection to its region, and writes that region down', async () => {
    const servers = await Promise.all([0, 1, 2].map(() => startHttpServer(answer)));
    onTestFinished(async () => void (await Promise.all(servers.map((server) => server.stop()))));
    const shape = { connections: 7, roaming: 0.5 };
    const books = await loadOn({ urls: servers.map(({ url }) => url), shape, operationsEach: 20 });
    expect(servers.map(({ accepted }) => accepted)).toEqual([3, 2, 2]);
    servers.forEach((server, index) => {
      const ofRegion = books.operations.filter(({ region }) => region === `r${index}`);
      expect(usersOf(ofRegion)).toEqual(server.requests.map(userOf).sort());
      expect(ofRegion.every(({ process }) => process % 3 === index)).toBe(true);
    });
  });

  it('refuses a region without users before it sends anything', async () => {
    const server = await startHttpServer(answer);
    onTestFinished(() => server.stop());
    const load = loadOn({ urls: [server.url, server.url], shape: { users: 1 } });
    await expect(load).rejects.toThrow(/^no user sends from r[01]: raise --users or --roaming$/);
    expect(server.accepted).toBe(0);
  });

  it('draws the same users in the same order from the same seed, other users from another', async () => {
    const draw = async (seed: number) => {
      const shape = { skew: 1.1, users: 1_000, seed };
      const { books } = await loadAgainst(answer, { shape, operationsEach: 20 });
      return perProcess(books).map(({ users }) => users.slice(0, 20));
    };
    const users = await draw(1);
    expect(new Set(users.map(String)).size).toBe(CONNECTIONS); // each connection has its own sequence
    expect(await draw(1)).toEqual(users);
    expect(await draw(2)).not.toEqual(users);
  });
});

function perProcess(books: Books): { operations: Operation[]; users: string[] }[] {
  return Array.from({ length: CONNECTIONS }, (_, process) => {
    const operations = books.operations.filter((operation) => operation.process === process);
    operations.sort((a, b) => a.index - b.index);
    return { operations, users: operations.map(({ user }) => user) };
  });
}
