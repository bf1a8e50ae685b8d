import { describe, expect, it, onTestFinished } from 'vitest';
import type { Operation } from '../../src/history/records/operation.ts';
import { monotonicUs } from '../../src/load/monotonic.ts';
import { type LoadPart, partsOf } from '../../src/load/parts.ts';
import type { LoadShape } from '../../src/load/users.ts';
import { type Answer, type HttpServer, httpReply, startHttpServer } from '../support/http-server.ts';
import { type Books, type LoadOptions, loadOn } from '../support/load.ts';
import { proved } from '../support/proved.ts';

/** Admits all: a denied request has no settlement, which says what it really costs. */
const answer: Answer = (_request, socket) => socket.write(httpReply(201, '{}'));
const REGIONS = ['r0', 'r1'];
const EVERY_PART = partsOf(REGIONS, 3);
const START_MS = 150;

/** Users who arrive and rest, and who roam; requests that reserve. */
const shape: Partial<LoadShape> = {
  ...{
    connections: 900,
    users: 300,
    skew: 0.7,
    roaming: 0.3,
    rampMs: 600,
    costs: [1, 2, 5],
    actuals: [1, 2, 3],
  },
  resting: { share: 0.3, restMs: 200, burstMs: 100 },
};
const open: Partial<LoadShape> = { ...shape, mode: 'open', ratePerSecond: 400 };

async function serve(how: Answer = answer): Promise<HttpServer> {
  const server = await startHttpServer(how);
  onTestFinished(() => server.stop());
  return server;
}

/** A load of two regions on one server, in these parts; each as a process of its own would send it, at one time. */
async function load(
  server: HttpServer,
  divided: readonly (readonly LoadPart[] | undefined)[],
  options: Partial<LoadOptions>,
): Promise<{ books: Books[]; startAtUs: number }> {
  const startAtUs = Math.ceil(monotonicUs()) + START_MS * 1_000;
  const urls = REGIONS.map(() => server.url);
  const one = (parts: readonly LoadPart[] | undefined) =>
    loadOn({ urls, durationMs: 500, ...options, startAtUs, ...(parts && { parts }) });
  return { books: await Promise.all(divided.map(one)), startAtUs };
}

/** The requests of an open load, in the order in which they were due. */
async function requests(
  divided: readonly (readonly LoadPart[] | undefined)[],
  options: Partial<LoadOptions>,
) {
  const server = await serve();
  const { books, startAtUs } = await load(server, divided, options);
  for (const each of books) expect(each.recorder.dropped).toEqual([]);
  const sent = books.flatMap(({ operations }) => operations.map((one) => requestOf(one, startAtUs)));
  const bodies = server.requests.map(({ headers, body }) => [headers['x-openclaw-user'], body].join(' '));
  return { sent: sent.sort(byTime), bodies: bodies.sort(), books };
}

const sentIn = ({ books }: { readonly books: readonly Books[] }) =>
  books.flatMap(({ operations }) => operations);

const requestOf = ({ intendedUs = 0, region, user, cost, settled }: Operation, startAtUs: number) => ({
  ...{ dueUs: intendedUs - startAtUs, region, user, cost, reallyCosts: settled?.cost },
});

const byTime = (a: { dueUs: number; region: string }, b: { dueUs: number; region: string }) =>
  a.dueUs - b.dueUs || a.region.localeCompare(b.region);

const each = (parts: readonly LoadPart[]) => parts.map((part) => [part]);

describe('an open load', () => {
  const log = Array.from({ length: 150 }, (_, nth) => ({
    ...{ atUs: 3_000 * nth, user: `key-${nth % 40}`, cost: 4, region: `r${(nth % 3) % 2}` },
  }));
  it.each<[string, Partial<LoadOptions>]>([
    ['at a rate', { shape: open }],
    ['with peaks', { shape: { ...open, peaks: { ratePerSecond: 900, everyMs: 250, forMs: 100 } } }],
    ['of a log', { shape: open, recorded: log }],
    [
      'of several policies',
      { shape: { ...open, policies: ['a', 'b'], costsByPolicy: { b: [3, 7] }, actuals: [1] } },
    ],
  ])('%s sends in parts what it sends undivided, at the same times', async (_title, options) => {
    const [whole, parts] = [await requests([undefined], options), await requests(each(EVERY_PART), options)];
    expect(whole.sent.length).toBeGreaterThan(140);
    expect(parts.sent).toEqual(whole.sent);
    expect(parts.bodies).toEqual(whole.bodies);
    for (const { operations } of parts.books) expect(operations.length).toBeGreaterThan(10);
  });

  it('is another one from another seed', async () => {
    const [one, two] = [
      await requests([undefined], { shape: open }),
      await requests([undefined], { shape: { ...open, seed: 2 } }),
    ];
    expect(one.sent.map(({ user }) => user)).not.toEqual(two.sent.map(({ user }) => user));
  });

  it('draws for a request that it drops, so all others stay the same', async () => {
    const slowly: Answer = (request, socket) => setTimeout(() => answer(request, socket), 30);
    const { books, startAtUs } = await proved(
      async () => load(await serve(slowly), [undefined], { shape: { ...open, connections: 4 } }),
      (run) => sentIn(run).length > 10,
    );
    const all = new Map((await requests([undefined], { shape: open })).sent.map((one) => [one.dueUs, one]));
    const sent = sentIn({ books });
    expect(books[0]?.recorder.dropped.length).toBeGreaterThan(0);
    expect(sent.length).toBeGreaterThan(10);
    expect(sent.length).toBeLessThan(all.size);
    for (const one of sent) {
      const request = requestOf(one, startAtUs);
      expect(request).toEqual(all.get(request.dueUs));
    }
  });
});

describe('a closed load', () => {
  it('draws on each connection in parts what it draws undivided, each connection in one part', async () => {
    const server = await serve();
    const closed = {
      shape: { ...shape, connections: 12, rampMs: 0, resting: { share: 0, restMs: 1, burstMs: 1 } },
    };
    const { books: whole } = await load(server, [undefined], closed);
    const { books: parts } = await load(server, each(EVERY_PART), closed);
    const undivided = sequences(whole);
    const divided = sequences(parts);
    expect([...divided.keys()].sort()).toEqual([...undivided.keys()].sort());
    for (const [connection, sequence] of divided) {
      const other = undivided.get(connection) ?? [];
      const common = Math.min(sequence.length, other.length);
      expect(common).toBeGreaterThan(2);
      expect(sequence.slice(0, common)).toEqual(other.slice(0, common));
    }
    expect(parts.map(({ operations }) => new Set(operations.map(({ process }) => process)).size)).toEqual(
      EVERY_PART.map(() => 2),
    );
  });

  /** What each connection sent, in order. */
  function sequences(books: readonly Books[]): Map<number, string[]> {
    const sent = new Map<number, string[]>();
    for (const { process, region, user, cost, settled } of books.flatMap(({ operations }) => operations))
      sent.set(process, [...(sent.get(process) ?? []), [region, user, cost, settled?.cost].join(' ')]);
    return sent;
  }
});

describe('a load with a start', () => {
  it.each(['open', 'closed'] as const)('sends nothing earlier: %s', async (mode) => {
    const { books, startAtUs } = await load(await serve(), [undefined], {
      shape: { ...open, mode },
      durationMs: 100,
    });
    const invoked = books.flatMap(({ operations }) => operations.map(({ invokedUs }) => invokedUs));
    expect(invoked.length).toBeGreaterThan(30);
    expect(Math.min(...invoked)).toBeGreaterThanOrEqual(startAtUs);
  });

  it('sends nothing if it is interrupted before', async () => {
    const signal = AbortSignal.timeout(20);
    const startAtUs = monotonicUs() + 3_600e6;
    for (const mode of ['open', 'closed'] as const) {
      const books = await loadOn({
        urls: [(await serve()).url],
        shape: { ...open, mode },
        startAtUs,
        signal,
      });
      expect(books.operations).toEqual([]);
    }
  });

  it('of one region needs no target of another', async () => {
    const { url } = await serve();
    const only = { shape: { ...open, regions: REGIONS }, durationMs: 100, startAtUs: monotonicUs() };
    const books = await loadOn({ ...only, urls: [url], parts: partsOf(['r0']) });
    expect(new Set(books.operations.map(({ region }) => region))).toEqual(new Set(['r0']));
    await expect(loadOn({ ...only, urls: [url], parts: partsOf(['r1']) })).rejects.toThrow(
      'a part of r1 needs a target for r1',
    );
  });
});
