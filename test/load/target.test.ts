import { describe, expect, it } from 'vitest';
import { makeRandom } from '../../src/core/prng.ts';
import { makeRequestWriter, sampleTarget, type Target } from '../../src/load/target.ts';
import { httpReply } from '../support/http-server.ts';
import { loadAgainst, loadOn, signedReply, userOf } from '../support/load.ts';

const foreign: Partial<Target> = { headers: { 'x-token': 't' }, subjectHeader: 'x-api-key' };

/** A target other than the sample system, without any of its headers. */
function targetOf(changes: Partial<Target>): Target {
  return { region: 'r0', url: 'http://127.0.0.1:80/limited?a=1', ...changes };
}

const requestOf = (target: Target, cost = 1) => makeRequestWriter(target)('ada', cost, makeRandom(1));

describe('the bytes of a request', () => {
  it.each<[string, Target, number, string]>([
    [
      'to any API',
      targetOf({ subjectHeader: 'x-api-key' }),
      1,
      'GET /limited?a=1 HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: ada\r\n\r\n',
    ],
    ['that name no user', targetOf({}), 1, 'GET /limited?a=1 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'],
    [
      'with a method, headers, a host of their own, a cost and a body',
      targetOf({ method: 'PUT', headers: { Host: 'api', 'x-a': 'b' }, costHeader: 'x-cost', body: '\u00fc' }),
      3,
      'PUT /limited?a=1 HTTP/1.1\r\nHost: api\r\nx-a: b\r\nx-cost: 3\r\ncontent-length: 2\r\n\r\n\u00fc',
    ],
  ])('%s', (_title, target, cost, want) => expect(requestOf(target, cost)).toBe(want));

  it('to the sample system ask for a cost only where it is not 1', () => {
    const target = sampleTarget('r0', 'http://h:1');
    expect(requestOf(target)).toMatch(/^POST \/v1\/ratings HTTP\/1.1\r\nhost: h:1\r\n/);
    expect(requestOf(target)).toMatch(/\r\n\r\n\{"item":"item-\d+","score":[1-5]\}$/);
    expect(requestOf(target)).not.toContain('x-openclaw-cost');
    expect(requestOf(target, 2)).toContain('\r\nx-openclaw-cost: 2\r\n');
  });

  it.each<[string, Partial<Target>, RegExp]>([
    ['an address that is no URL', { url: 'limited' }, /^a target is written http.* found "limited"$/],
    ['another protocol', { url: 'ftp://h/' }, /^a target is written/],
    ['a password', { url: 'http://a:secret@h/' }, /^a target is written http\[s\]:\/\/host\[:port\]\/path$/],
    ['a method with a space', { method: 'GET /x' }, /^a method is written like POST/],
    ['a header of two lines', { headers: { a: 'b\r\nc: d' } }, /^not an HTTP header: "a"$/],
    ['a name that is none', { subjectHeader: 'a b' }, /^not an HTTP header: "a b"$/],
  ])('are refused for %s', (_title, changes, message) => {
    expect(() => requestOf(targetOf(changes))).toThrow(message);
  });
});

describe('the load on another API', () => {
  const statuses = [200, 429, 404, 503];
  const serve = ({ serial }: { serial: number }) => httpReply(statuses[serial % 4] ?? 0, '{"charge":"none"}');
  const outcomes = async (target: Partial<Target>) => {
    const plain = { ...targetOf(target), region: 'r0' };
    const { books, server } = await loadAgainst((r, s) => s.write(serve(r)), {
      make: (url) => ({ ...plain, url: `${url}/limited` }),
      operationsEach: 20,
    });
    const found = books.operations.map(({ status, outcome }) => `${status} ${outcome}`);
    return { books, server, found: [...new Set(found)].sort() };
  };

  it('records what headers of an answer state', async () => {
    const headers = { 'X-RateLimit-Limit': '20', 'X-RateLimit-Remaining': '3', 'Retry-After': '1' };
    const { books } = await loadAgainst((_request, socket) => socket.write(httpReply(429, '', headers)), {
      make: (url) => ({ ...targetOf(foreign), region: 'r0', url }),
      operationsEach: 2,
    });
    const answered = books.operations.filter(({ outcome }) => outcome === 'denied');
    expect(answered.length).toBeGreaterThanOrEqual(8);
    for (const { stated } of answered) expect(stated).toEqual({ limit: 20, remaining: 3, retryAfterS: 1 });
  });

  it('goes by the status alone: 2xx allowed, 429 denied, the rest may have been charged', async () => {
    const { books, server, found } = await outcomes(foreign);
    expect(found).toEqual(['200 allowed', '404 info', '429 denied', '503 info']);
    expect(server.requests[0]).toMatchObject({
      method: 'GET',
      path: '/limited',
      headers: { 'x-token': 't' },
    });
    const keys = server.requests.map(({ headers }) => headers['x-api-key']);
    expect(new Set(keys)).toEqual(new Set(books.operations.map(({ user }) => user)));
  });

  it('goes by the lists of statuses it is given', async () => {
    const replies = { of: 'any', allow: '2xx,404', deny: '429,503' } as const;
    expect((await outcomes({ ...foreign, replies })).found).toEqual([
      '200 allowed',
      '404 allowed',
      '429 denied',
      '503 denied',
    ]);
  });

  it.each<[string, Partial<Target>, readonly number[], RegExp]>([
    ['many users that it cannot name', {}, [1], /^requests to r0 have no subject header.* 20000 users$/],
    [
      'costs that it cannot ask for',
      { subjectHeader: 'x-user' },
      [1, 2],
      /^requests to r0 have no cost header/,
    ],
  ])('is refused for %s', async (_title, target, costs, message) => {
    const make = (url: string) => targetOf({ url, ...target });
    await expect(loadOn({ urls: ['http://127.0.0.1:1'], make, shape: { costs } })).rejects.toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/^set a .* header with --(subject|cost)-header, or/),
    });
  });
});

describe('the costs', () => {
  it('are asked for as they are written down, each as likely, the same from the same seed', async () => {
    const draw = async (seed: number) => {
      const shape = { costs: [1, 2, 5], seed };
      const { books, server } = await loadAgainst((r, s) => s.write(signedReply(r)), {
        shape,
        operationsEach: 100,
      });
      const planned = new Map(
        server.requests.map((r) => [r.serial, Number(r.headers['x-openclaw-cost'] ?? 1)]),
      );
      for (const { cost, decision, user } of books.operations) {
        const serial = decision?.levelQuanta ?? -1;
        expect([user, cost]).toEqual([userOf(server.requests[serial] as never), planned.get(serial)]);
      }
      const ofFirst = books.operations
        .filter(({ process }) => process === 0)
        .sort((a, b) => a.index - b.index);
      return {
        all: books.operations.map(({ cost }) => cost),
        first: ofFirst.slice(0, 100).map(({ cost }) => cost),
      };
    };
    const { all, first } = await draw(1);
    for (const cost of [1, 2, 5]) {
      const share = all.filter((one) => one === cost).length / all.length;
      expect(Math.abs(share - 1 / 3)).toBeLessThan(0.15);
    }
    expect((await draw(1)).first).toEqual(first);
    expect((await draw(2)).first).not.toEqual(first);
  });
});
