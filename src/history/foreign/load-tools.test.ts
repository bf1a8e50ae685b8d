import { describe, expect, it } from 'vitest';
import { readForeign } from '../../../test/support/foreign.ts';

const read = (...parts: Parameters<typeof readForeign>) => readForeign(...parts).rows;

const TEN = 1_795_600_800_000_000; // 2026-11-25T10:00:00Z

const point = (changes: object = {}, tags: object = {}, metric = 'http_req_duration') =>
  `${JSON.stringify({
    type: 'Point',
    metric,
    data: {
      time: '2026-11-25T10:00:00.0025Z',
      value: 1.5,
      tags: { status: '200', url: 'http://h/?user=ada', tier: 'gold', ...tags },
      ...changes,
    },
  })}\n`;

const OTHERS = '{"type":"Metric","data":{"type":"trend"},"metric":"http_req_duration"}\n';

describe('the JSON output of k6', () => {
  it('has the end of a request and how long it took: the interval holds both, and at most 3 us more', () => {
    const [operation] = read('k6', OTHERS + point({}, {}, 'http_reqs') + point());
    expect(operation).toEqual({ from: TEN + 1_000 - 2, to: TEN + 2_500 + 1, outcome: 'allowed' });
  });

  it.each([
    { time: '2026-11-25T10:00:00Z', value: 0, from: -2, to: 1 },
    { time: '2026-11-25T11:00:00.1234569+01:00', value: 100.000999, from: 23_456 - 2, to: 123_456 + 1 },
    { time: '2026-11-25T10:00:01.000000001Z', value: 1_000.000001, from: -2, to: 1_000_001 },
  ])('$time is exact to its nanosecond, whatever zeros are left out', ({ time, value, from, to }) => {
    const [operation] = read('k6', point({ time, value }));
    expect(operation).toMatchObject({ from: TEN + from, to: TEN + to });
    const endNs = BigInt(Date.parse(time.replace(/\.\d+/, ''))) * 1_000_000n;
    const fraction = /\.(\d+)/.exec(time)?.[1] ?? '0';
    const trueEndNs = endNs + BigInt(fraction.padEnd(9, '0'));
    const trueStartNs = trueEndNs - BigInt(Math.round(value * 1e6));
    expect(BigInt(operation?.from ?? 0) * 1_000n).toBeLessThanOrEqual(trueStartNs);
    expect(BigInt(operation?.to ?? 0) * 1_000n).toBeGreaterThanOrEqual(trueEndNs);
  });

  it('names the bucket by a tag, or by a parameter of the address', () => {
    expect(read('k6', point(), { key: 'tier' })).toHaveLength(1);
    expect(() => read('k6', point(), { key: 'user' })).toThrow(
      'log:1: no request of 1 has the field user (--key); fields of the first: status, url, tier, query.user',
    );
    expect(read('k6', point({}, { 'query.user': 'a tag of that name' }))).toHaveLength(1);
  });

  it('has a request without a reply, which may be charged at any time', () => {
    const [lost, refused] = read('k6', point({}, { status: '0' }) + point({}, { status: '503' }));
    expect(lost).toMatchObject({ outcome: 'info', to: Number.POSITIVE_INFINITY });
    expect(refused).toMatchObject({ outcome: 'info', to: Number.POSITIVE_INFINITY });
  });

  it.each([
    { text: `${OTHERS}{"type":"Point"\n`, says: /^log:2: not JSON/ },
    { text: `${OTHERS}{"hits":1}\n`, says: /^log:2: not k6 JSON output/ },
    {
      text: `${OTHERS}${point({ value: 'fast' })}`,
      says: /^log:2: data.value must be milliseconds; found "fast"/,
    },
    { text: point({ value: -1 }), says: /^log:1: data.value must be milliseconds/ },
    { text: point({ time: 'noon' }), says: /^log:1: data.time must be a time like .* found "noon"/ },
    { text: point({ time: 7 }), says: /^log:1: data.time must be a time like .* found 7/ },
    { text: point({ tags: ['a'] }), says: /^log:1: data.tags must be an object/ },
    { text: point({}, { status: null }), says: /^log:1: the field "status" is missing/ },
    { text: '[1]\n', says: /^log:1: a line must be an object/ },
    { text: OTHERS, says: /^log:1: the file has no operation/ },
  ])('is refused with its line: $says', ({ text, says }) => expect(() => read('k6', text)).toThrow(says));
});

const hit = (changes: object = {}) =>
  `${JSON.stringify({
    ...{ attack: 'a', seq: 0, code: 200, timestamp: '2026-11-25T10:00:00.001Z', latency: 1_500_999 },
    ...{ bytes_out: 0, bytes_in: 0, error: '', body: null, method: 'GET', url: 'http://h/?user=ada' },
    headers: { 'X-Tier': ['gold'] },
    ...changes,
  })}\n`;

const HEADERS = Buffer.from('X-Tier: gold\r\nDate: today\r\n').toString('base64');
const ROW = `1795600800001000000,200,1500999,0,0,,,a,0,GET,http://h/?user=ada,${HEADERS}\n`;

describe('the output of vegeta encode', () => {
  it.each([
    { title: 'JSON', text: hit() },
    { title: 'CSV', text: ROW },
    {
      title: 'CSV with names',
      text: `timestamp,code,latency,bytes_out,bytes_in,error,body,attack,seq\n${ROW}`,
    },
  ])('has the start of a request and how long it took: $title', ({ text }) => {
    const want = { from: TEN + 1_000 - 1, to: TEN + 2_500 + 2, outcome: 'allowed' };
    expect(read('vegeta', text)).toEqual([want]);
    expect(read('vegeta', text, { key: 'headers.x-tier' })).toEqual([want]);
    expect(read('vegeta', text, { key: 'attack' })).toEqual([want]);
  });

  it('has columns of older versions, without the address', () => {
    const old = ROW.split(',').slice(0, 9).join(',');
    expect(read('vegeta', `${old}\n`, { key: 'attack' })).toHaveLength(1);
  });

  it('has a request without a reply, which may be charged at any time', () => {
    expect(read('vegeta', hit({ code: 0, headers: null }))[0]).toMatchObject({
      outcome: 'info',
      to: Number.POSITIVE_INFINITY,
    });
  });

  it.each([
    {
      text: `${hit()}${hit({ latency: 1.5 })}`,
      says: /^log:2: latency must be whole nanoseconds; found "1.5"/,
    },
    { text: hit({ timestamp: 5 }), says: /^log:1: timestamp/ },
    { text: `${ROW}1,2,3\n${ROW}`, says: /^log:2: expected the 9 to 12 columns of vegeta encode; found 3/ },
    { text: ROW.replace('1500999', '-4'), says: /^log:1: latency must be whole nanoseconds; found "-4"/ },
    { text: ROW.replace('1795600800001000000', 'now'), says: /^log:1: timestamp must be whole nanoseconds/ },
    { text: `${hit()}nonsense\n`, says: /^log:2: not JSON/ },
  ])('is refused with its line: $says', ({ text, says }) => expect(() => read('vegeta', text)).toThrow(says));

  it('is refused if the bucket of a lost request is unknown', () =>
    expect(() => read('vegeta', hit() + hit({ code: 0, headers: null }), { key: 'headers.x-tier' })).toThrow(
      /^log:2: a request without a reply has no "headers.x-tier"/,
    ));

  it('is refused with a field that it has not', () =>
    expect(() => read('vegeta', hit(), { key: 'user' })).toThrow(/^log:1: vegeta has no field "user"/));
});
