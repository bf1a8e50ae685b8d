import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../src/toxiproxy/server/api-error.ts';
import { readToxic } from '../../../src/toxiproxy/server/requests.ts';
import { startTestToxiproxy, type TestToxiproxy } from '../../support/toxiproxy.ts';

const MB = 1_000_000;
const UPSTREAM = '127.0.0.1:9';
const HEAD = `{"name":"p","listen":"127.0.0.1:0","upstream":"${UPSTREAM}","more":`;

/** Posts a proxy with a body in that all but `more` is fine. */
const post = ({ call }: TestToxiproxy, more: string) => call('POST', '/proxies', `${HEAD}${more}}`);

/** How many times the processor time of `small` `large` takes: the least of five runs each, in turn. */
function growth(small: () => void, large: () => void): number {
  const least = [small, large].map(() => Infinity);
  for (let run = 0; run < 5; run++) {
    for (const [at, act] of [small, large].entries()) {
      const before = process.cpuUsage();
      act();
      const { user, system } = process.cpuUsage(before);
      least[at] = Math.min(least[at] ?? Infinity, user + system);
    }
  }
  const [ofSmall = 0, ofLarge = 0] = least;
  return ofLarge / ofSmall;
}

describe('a body above 1 MB', () => {
  it('is refused, and the next one is answered', async () => {
    const toxiproxy = await startTestToxiproxy();
    const fits = `"${'x'.repeat(MB - HEAD.length - 3)}"`;
    expect((await post(toxiproxy, fits)).status).toBe(201);
    await toxiproxy.call('DELETE', '/proxies/p');
    for (const tooLong of [`"x${fits.slice(1)}`, `"${'x'.repeat(20 * MB)}"`]) {
      expect((await post(toxiproxy, tooLong)).json).toEqual({
        error: 'a body may have at most 1000000 bytes',
        status: 413,
      });
    }
    expect((await toxiproxy.call('GET', '/proxies')).json).toEqual({});
  });
});

describe('a body thirty times as long', () => {
  it.each([
    { title: 'one number', of: (bytes: number) => '1'.repeat(bytes) },
    { title: 'one text', of: (bytes: number) => `"${'é'.repeat(bytes / 2)}"` },
    { title: 'one text of escapes', of: (bytes: number) => `"${'\\n'.repeat(bytes / 2)}"` },
    { title: 'numbers', of: (bytes: number) => `[${'1,'.repeat(bytes / 2)}1]` },
    { title: 'objects', of: (bytes: number) => `[${'{},'.repeat(bytes / 3)}1]` },
    { title: 'fields', of: (bytes: number) => `{${'"a":1,'.repeat(bytes / 6)}"a":1}` },
    { title: 'space', of: (bytes: number) => `${' '.repeat(bytes)}1` },
    { title: 'an attribute', of: (bytes: number) => `1,"attributes":{"latency":${'9'.repeat(bytes)}}` },
  ])('takes less than three hundred times as long: $title', async ({ of }) => {
    const toxiproxy = await startTestToxiproxy();
    await toxiproxy.proxy('p', 9);
    const { toxics } = toxiproxy.registry.get('p');
    const reader = (bytes: number) => {
      const body = `{"type":"latency","more":${of(bytes)}}`;
      return () => {
        try {
          readToxic(body, toxics);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
        }
      };
    };
    expect(growth(reader(33_000), reader(990_000))).toBeLessThan(300);
  });

  it('is refused for an attribute of 900,000 digits', async () => {
    const toxiproxy = await startTestToxiproxy();
    await toxiproxy.proxy('p', 9);
    const digits = '9'.repeat(900_000);
    const body = `{"type":"latency","attributes":{"latency":${digits}}}`;
    expect((await toxiproxy.toxic('p', body)).json).toEqual({
      error: `bad request body: json: cannot unmarshal number ${digits} into Go struct field LatencyToxic.attributes.latency of type int64`,
      status: 400,
    });
  });
});

describe('nesting', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

  it.each([
    { depth: 5_000, status: 201 },
    { depth: 9_999, status: 201 },
    { depth: 10_000, status: 400 },
    { depth: 400_000, status: 400 },
  ])('of $depth in an object is $status', async ({ depth, status }) => {
    const toxiproxy = await startTestToxiproxy();
    const reply = await post(toxiproxy, nested(depth));
    expect(reply.status).toBe(status);
    if (status === 400) expect(reply.json).toMatchObject({ error: 'bad request body: exceeded max depth' });
  });

  it('of objects has the same limit', async () => {
    const toxiproxy = await startTestToxiproxy();
    const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    expect((await post(toxiproxy, objects(9_999))).status).toBe(201);
    expect((await post(toxiproxy, objects(10_000))).status).toBe(400);
  });
});

describe('a number', () => {
  it.each(['9007199254740993', '9223372036854775807', '-0'])('of 64 bits stays exact: %s', async (number) => {
    const toxiproxy = await startTestToxiproxy();
    await toxiproxy.proxy('p', 9);
    const shown = `"attributes":{"latency":${Number(number) === 0 ? 0 : number},"jitter":0}`;
    const body = `{"type":"latency","name":"t","attributes":{"latency":${number}}}`;
    expect((await toxiproxy.toxic('p', body)).text).toContain(shown);
    expect((await toxiproxy.call('PATCH', '/proxies/p/toxics/t', '{"toxicity":1}')).text).toContain(shown);
    expect((await toxiproxy.call('GET', '/proxies')).text).toContain(shown);
  });

  it.each([
    ['0.3333333333333333', '0.33333334'],
    ['16777217', '16777216'],
    ['1e-46', '0'],
    ['-0', '-0'],
    ['0.1', '0.1'],
    ['1e-7', '1e-7'],
    ['3.4e38', '3.4e+38'],
  ])('of 32 bits is the nearest float: %s', async (number, shown) => {
    const toxiproxy = await startTestToxiproxy();
    await toxiproxy.proxy('p', 9);
    const { text } = await toxiproxy.toxic('p', `{"type":"noop","toxicity":${number}}`);
    expect(text).toContain(`"toxicity":${shown}}`);
  });
});

describe('a text', () => {
  it('with a lone surrogate gets U+FFFD in its place, so that a URL can name it', async () => {
    const toxiproxy = await startTestToxiproxy();
    const body = `{"name":"a\\ud800","listen":"127.0.0.1:0","upstream":"${UPSTREAM}"}`;
    expect((await toxiproxy.call('POST', '/proxies', body)).json).toMatchObject({ name: 'a\ufffd' });
    expect((await toxiproxy.call('GET', '/proxies/a%EF%BF%BD')).status).toBe(200);
  });
});

describe('a body of attributes that is no object', () => {
  it('is refused in the words of Go, which name its struct', async () => {
    const toxiproxy = await startTestToxiproxy();
    await toxiproxy.proxy('p', 9);
    await toxiproxy.toxic('p', { name: 't', type: 'noop' });
    const { json } = await toxiproxy.call('PATCH', '/proxies/p/toxics/t', '[]');
    const error =
      'bad request body: json: cannot unmarshal array into Go value of type struct { Attributes interface {} "json:\\"attributes\\"" }';
    expect(json).toEqual({ error, status: 400 });
  });
});

describe('an object that is given twice', () => {
  it('is merged', async () => {
    const toxiproxy = await startTestToxiproxy();
    await toxiproxy.proxy('p', 9);
    const body = '{"type":"latency","attributes":{"latency":5},"attributes":{"jitter":3}}';
    expect((await toxiproxy.toxic('p', body)).json).toMatchObject({ attributes: { latency: 5, jitter: 3 } });
  });
});

describe('a request target', () => {
  it('can be a whole URL', async () => {
    const { url } = await startTestToxiproxy();
    const { hostname: host, port } = new URL(url);
    const call = request({ host, port, path: 'http://toxiproxy.test/version' }).end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(200);
  });
});
