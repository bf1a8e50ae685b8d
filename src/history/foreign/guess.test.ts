import { describe, expect, it } from 'vitest';
import { readForeign } from '../../../test/support/foreign.ts';

const GOB = Buffer.from([0x7f, 0xff, 0x81, 0x03, 0x01, 0x01, 0x06, 0x52, 0x65, 0x73, 0x0a, 0x01]);

describe('a log of another format than the option', () => {
  it.each([
    {
      title: 'the combined format',
      text: '10.0.0.1 - - [25/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 6 "-" "x"\n',
      says: "nginx' or Apache's combined format; use --from combined",
    },
    {
      title: "Envoy's",
      text: '[2026-11-25T10:00:00.310Z] "GET / HTTP/1.1" 200 - 0 1 5 4 "-" "-" "-" "-" "-"\n',
      says: 'use --from envoy',
    },
    {
      title: "HAProxy's",
      text: 'Nov 25 10:00:00 lb haproxy[1]: 10.0.1.2:3 [25/Nov/2026:10:00:00.655] in a/b 1/0/3/6/1 200 2 - -\n',
      says: 'use --from haproxy',
    },
    {
      title: 'of an AWS load balancer',
      text: 'https 2026-11-25T10:00:00.186641Z app/my/50 192.168.1.9:28 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57\n',
      says: 'convert it with gunzip',
    },
    { title: 'of IIS', text: '#Software: Microsoft Internet Information Services 10.0\n', says: 'a W3C log' },
    {
      title: 'of CloudFront',
      text: '#Version: 1.0\n',
      says: 'convert it to CSV, for CloudFront with gunzip',
    },
    { title: "vegeta's own", text: GOB, says: 'vegeta encode hits.bin > hits.json' },
    { title: 'UTF-16', text: Buffer.from('\ufeffuser,a\n', 'utf16le'), says: 'iconv -f utf-16' },
    { title: 'vegeta encode', format: 'k6', text: '{"attack":"a","latency":1}\n', says: '--from vegeta' },
    { title: "k6's JSON", format: 'vegeta', text: '{"type":"Point","x":1}\n', says: '--from k6' },
    { title: "k6's CSV", format: 'k6', text: 'metric_name,timestamp\n', says: 'k6 run --out json=' },
    {
      title: "k6's CSV as a table",
      format: 'csv',
      text: 'metric_name,timestamp,metric_value,user,from_ms,to_ms,code\nhttp_reqs,1,1,a,1,2,200\n',
      says: /^log:1: its rows are metrics, not requests; k6's CSV has a row for each metric/,
    },
  ] as const)('is named: $title', ({ text, says, ...more }) => {
    const format = 'format' in more ? more.format : 'access-log';
    const read = () => readForeign(format, text, format === 'vegeta' ? { key: 'attack' } : {});
    expect(read).toThrow(says);
  });

  it('is not guessed once a line could be read', () =>
    expect(() =>
      readForeign('access-log', '{"user":"a","from_ms":1,"to_ms":2,"code":200}\n#Version: 1.0\n'),
    ).toThrow(/^log:2: not JSON: [^;]*$/));
});
