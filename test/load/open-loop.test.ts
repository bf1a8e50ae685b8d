import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { type Answer, httpReply, startHttpServer } from '../support/http-server.ts';
import {
  type Books,
  expectSoundBooks,
  type LoadOptions,
  loadAgainst,
  loadOn,
  signedReply,
  userOf,
  usersOf,
} from '../support/load.ts';

const RATE = 200;
const DURATION_MS = 500;
const DUE = (RATE * DURATION_MS) / 1_000;
/** For all that is due to be in flight at once, also in one of three regions: a busy machine sends in bursts. */
const ENOUGH = DUE * 1.2;

const answer: Answer = (request, socket) => socket.write(signedReply(request));

const open = (changes: LoadOptions['shape'] = {}): Omit<LoadOptions, 'urls'> => ({
  shape: { mode: 'open', ratePerSecond: RATE, connections: ENOUGH, ...changes },
  durationMs: DURATION_MS,
});

const droppedOf = ({ recorder }: Books) => recorder.dropped.reduce((sum, { requests }) => sum + requests, 0);

/** Every request that was due was sent or dropped. */
function expectAllAccountedFor(books: Books): void {
  expect(books.recorder.sent + droppedOf(books)).toBe(DUE);
}

describe('the open loop', () => {
  it('sends each request when it is due, and each is answered', async () => {
    const { books, server } = await loadAgainst(answer, open());
    expectSoundBooks(books, [server]);
    expectAllAccountedFor(books);
    expect(droppedOf(books)).toBe(0);
    const inOrder = [...books.operations].sort((a, b) => a.index - b.index);
    const first = inOrder[0]?.intendedUs ?? Number.NaN;
    for (const [nth, { intendedUs = Number.NaN, invokedUs }] of inOrder.entries()) {
      expect(Math.abs(intendedUs - first - nth * 5_000)).toBeLessThanOrEqual(1); // each is rounded down
      expect(invokedUs).toBeGreaterThanOrEqual(intendedUs);
    }
  });

  it('sends more while a peak lasts', async () => {
    const peaks = { ratePerSecond: 600, everyMs: 250, forMs: 100 };
    const { books } = await loadAgainst(answer, open({ ratePerSecond: 20, peaks }));
    expectSoundBooks(books, []);
    expect(books.recorder.sent + droppedOf(books)).toBe(2 * (3 + 60));
  });

  it('sends each request of a log when it is due, for its user and its cost', async () => {
    const log = Array.from({ length: 60 }, (_, nth) => ({
      ...{ atUs: 40_000 * Math.floor(nth / 20) + nth, user: `key:${nth % 7}|x`, cost: 1 + (nth % 3) },
      region: 'r0',
    }));
    const { books, server } = await loadAgainst(answer, { ...open(), recorded: log });
    expectSoundBooks(books, [server]);
    const inOrder = [...books.operations].sort((a, b) => a.index - b.index);
    const firstUs = inOrder[0]?.intendedUs ?? Number.NaN;
    expect(inOrder.map(({ user, cost, region }) => ({ user, cost, region }))).toEqual(
      log.map(({ user, cost, region }) => ({ user, cost, region })),
    );
    for (const [nth, { intendedUs = 0, invokedUs }] of inOrder.entries()) {
      expect(Math.abs(intendedUs - firstUs - (log[nth]?.atUs ?? 0))).toBeLessThanOrEqual(1);
      expect(invokedUs).toBeGreaterThanOrEqual(intendedUs);
    }
  });

  it('drops and counts a request if every connection is busy', async () => {
    const held: (() => void)[] = [];
    const serve: Answer = (request, socket) => {
      if (request.serial > 1) return answer(request, socket);
      held.push(() => answer(request, socket));
      if (held.length < 2) return;
      setTimeout(() => {
        for (const reply of held) reply();
      }, 100); // 20 requests are due meanwhile
    };
    const { books, server } = await loadAgainst(serve, open({ connections: 2 }));
    expectSoundBooks(books, [server]);
    expectAllAccountedFor(books);
    expect(droppedOf(books)).toBeGreaterThanOrEqual(18);
    const [first] = books.recorder.dropped;
    const sentUs = books.operations.map(({ intendedUs = 0 }) => intendedUs);
    expect(first).toMatchObject({ region: 'r0' });
    expect(first?.atUs).toBeGreaterThan(Math.min(...sentUs)); // when it was due, not when the run ended
    expect(first?.atUs).toBeLessThan(Math.max(...sentUs));
    expect(books.recorder.sent).toBeGreaterThan(2); // it went on
    expect(books.recorder.counts.info).toBe(0);
  });

  it('writes down when a request was due, and when it was sent', async () => {
    const serve: Answer = (request, socket) => {
      const untilMs = performance.now() + (request.serial === 3 ? 100 : 0);
      while (performance.now() < untilMs); // the load itself is held up: it shares this process
      answer(request, socket);
    };
    const { books, server } = await loadAgainst(serve, open());
    expectSoundBooks(books, [server]);
    expectAllAccountedFor(books);
    const lateUs = books.operations.map(({ invokedUs, intendedUs = 0 }) => invokedUs - intendedUs);
    expect(Math.max(...lateUs)).toBeGreaterThan(80_000);
  });

  it('calls it failed when the port is closed: each request that is due tries once', async () => {
    const books = await loadOn({ urls: [`http://127.0.0.1:${await freePort()}`], ...open() });
    expectSoundBooks(books, []);
    expectAllAccountedFor(books);
    expect(books.recorder.counts.failed).toBe(DUE);
    for (const { error } of books.operations) expect(error).toBe('CONNECT_FAILED');
  });

  it.each<[string, Answer, { info: 'none' | 'any' | 'all' | 'half' }]>([
    [
      'closes after a reply and says so',
      (r, s) => s.end(signedReply(r, { connection: 'close' })),
      { info: 'none' },
    ],
    ['closes right after a reply', (r, s) => s.end(signedReply(r)), { info: 'any' }],
    ['resets without a reply', (_, s) => s.resetAndDestroy(), { info: 'all' }],
    [
      'breaks off every second',
      (r, s) => (r.serial % 2 ? s.end('HTTP/1.1 2') : answer(r, s)),
      { info: 'half' },
    ],
    ['never answers', () => {}, { info: 'all' }],
  ])('continues and records every request when the server %s', async (_title, serve, { info }) => {
    const { books, server } = await loadAgainst(serve, {
      ...open(),
      ...(info === 'all' && { drainMs: 100 }),
    });
    expectSoundBooks(books, [server]);
    expectAllAccountedFor(books);
    const { sent, counts } = books.recorder;
    expect(sent).toBe(DUE);
    expect(counts.failed).toBe(0);
    if (info === 'none') expect(counts.info).toBe(0);
    if (info === 'all') expect(counts.info).toBe(sent);
    if (info === 'half') expect(counts.info).toBe(sent / 2);
  });

  it('goes round the regions', async () => {
    const servers = await Promise.all([0, 1, 2].map(() => startHttpServer(answer)));
    onTestFinished(async () => void (await Promise.all(servers.map((server) => server.stop()))));
    const books = await loadOn({ urls: servers.map(({ url }) => url), ...open() });
    expect(servers.map(({ requests }) => requests.length)).toEqual([34, 33, 33]);
    servers.forEach(({ requests }, index) => {
      const ofRegion = books.operations.filter(({ region }) => region === `r${index}`);
      expect(usersOf(ofRegion)).toEqual(requests.map(userOf).sort());
    });
  });

  it('sends no more once it is interrupted', async () => {
    const interrupt = new AbortController();
    const serve: Answer = (request, socket) => {
      if (request.serial === 10) interrupt.abort();
      socket.write(httpReply(201));
    };
    const { books } = await loadAgainst(serve, {
      ...open(),
      durationMs: 600_000,
      signal: interrupt.signal,
    });
    expect(books.recorder.sent).toBeGreaterThan(10);
    expect(books.tookMs).toBeLessThan(20_000);
  });

  it.each([
    ['without a rate', { ratePerSecond: 0 }, /^an open load needs a rate above 0; found 0$/],
    ['with a region that has no connection', { connections: 1 }, /^a load needs a connection for each/],
  ])('is refused %s before it sends anything', async (_title, shape, message) => {
    const server = await startHttpServer(answer);
    onTestFinished(() => server.stop());
    await expect(loadOn({ urls: [server.url, server.url], ...open(shape) })).rejects.toThrow(message);
    expect(server.accepted).toBe(0);
  });
});
