import { describe, expect, it } from 'vitest';
import type { OpenclawError } from '../core/errors.ts';
import { recordTakes } from './record-takes.ts';

describe('a wrong value of an option is refused at once', () => {
  it.each([
    [{ initial: 'unkown' }, `option initial of recordTakes must be 'full' or 'unknown'; found "unkown"`],
    [{ initial: 5 }, `option initial of recordTakes must be 'full' or 'unknown'; found 5`],
    [{ clocks: 'foo' }, `option clocks of recordTakes must be 'apart'; found "foo"`],
    [
      { now: 'reel' },
      `option now of recordTakes must be a function that returns milliseconds, or 'real'; found "reel"`,
    ],
    [{ mostTakes: 'x' }, 'option mostTakes of recordTakes must be a whole number of at least 1; found "x"'],
    [{ mostTakes: -1 }, 'option mostTakes of recordTakes must be a whole number of at least 1; found -1'],
    [{ bucket: 'x' }, 'option bucket of recordTakes must be a function; found "x"'],
    [{ cost: 5 }, 'option cost of recordTakes must be a function; found 5'],
    [{ decide: true }, 'option decide of recordTakes must be a function; found true'],
    [null, 'the options of recordTakes must be an object with bucket, cost, decide,'],
  ])('%j', (options, message) => {
    let error: OpenclawError | undefined;
    try {
      recordTakes(() => true, options as object);
    } catch (thrown) {
      error = thrown as OpenclawError;
    }
    expect(error).toMatchObject({ code: 'INVALID_OPTION' });
    expect(error?.message).toContain(message);
    expect(error?.message).toContain(`\n  ${error?.hint}`); // a test runner shows the message alone
  });
});

describe('option bucket that returns no name', () => {
  const bucket = (request: Request) => request.headers.get('x-api-key'); // compiles: it may be null
  const ask = (key: string) => new Request('http://api.test', { headers: { 'x-api-key': key } });

  it('makes history throw, of a handler', () => {
    const { fetch, history } = recordTakes((_request: Request) => new Response('x'), { bucket });
    fetch(ask('ada'));
    expect(history().toNdjson('5:1/s')).toContain('"bucket":"ada"');
    fetch(new Request('http://api.test'));
    expect(history).toThrow(
      /option bucket of recordTakes must return the name of a bucket, a text; found null\n {2}return a text for each call/,
    );
  });

  it.each([undefined, ''])('makes history throw, of a limiter: %j', (name) => {
    const { limiter, history } = recordTakes({ take: (_key: string) => true }, { bucket: () => name });
    expect(limiter.take('ada')).toBe(true);
    expect(history).toThrow(/option bucket of recordTakes must return .*; found/);
  });

  it('is read in the types of an address, too', () =>
    expect(() => recordTakes('http://127.0.0.1:3000', { bucket })).not.toThrow());
});

it.each(['later', 'done', 'none'])(
  'history throws for a reply to a request whose cost is settled: %s',
  async (settled) => {
    const { fetch, history } = recordTakes(
      () => new Response('x', { headers: { 'openclaw-settled': settled } }),
    );
    expect((await fetch()).status).toBe(200);
    expect(history).toThrow(
      /the cost was reserved and settled, and what came back is not in the reply\n {2}record the limiter in place of/,
    );
  },
);
