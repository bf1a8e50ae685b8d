import { describe, expect, it } from 'vitest';
import { headerOf, operationOf } from '../../test/support/history.ts';
import { bytesOf, read } from '../../test/support/read-history.ts';
import { HistoryReader } from './reader.ts';
import { encodeRecord } from './records/codec.ts';

const HEADER = encodeRecord(headerOf());
const END = encodeRecord({ type: 'end', atUs: 9, sent: 1 });
const OP = encodeRecord(operationOf(0, { completedUs: 5 }));
const op = (changes: string) =>
  `{"type":"op","index":0,"bucket":"b","invokedUs":3,"completedUs":5,"outcome":"allowed"${changes}}\n`;

describe('a bad history is refused with file, line and reason:', () => {
  it.each([
    {
      title: 'an empty file',
      text: '',
      says: 'h.ndjson:1: the file is empty: a history begins with a header',
    },
    {
      title: 'another version',
      text: HEADER.replace('"version":1', '"version":2'),
      says: 'h.ndjson:1: version must be 1, the only one this program reads; found 2',
    },
    {
      title: 'another format',
      text: '{"type":"header","format":"jepsen"}\n',
      says: 'h.ndjson:1: format must be "openclaw-history"; found "jepsen"',
    },
    {
      title: 'no policy',
      text: '{"type":"header","format":"openclaw-history","version":1}\n',
      says: 'h.ndjson:1: the header has no policy',
    },
    {
      title: 'a policy of nothing',
      text: HEADER.replace('"capacity":20', '"capacity":0'),
      says: 'h.ndjson:1: capacity must be a whole number of tokens',
    },
    ...[
      { event: 'move', args: '{"from":"eu"}', says: 'bucket must be a text; found undefined' },
      { event: 'slots', args: '{"from":"a:1","to":7}', says: 'to must be a text; found 7' },
      { event: 'reset', args: '{"bucket":7}', says: 'bucket must be a text; found 7' },
      {
        event: 'move',
        args: '{"bucket":"b","untilUs":"soon"}',
        says: 'untilUs must be a number within 2^53; found "soon"',
      },
      {
        event: 'slots',
        args: '{"from":"a:1","to":"b:1","untilUs":4}',
        says: 'untilUs must not be before atUs (5); found 4',
      },
    ].map(({ event, args, says }) => ({
      title: `an event ${event} with ${args}`,
      text: `${HEADER}{"type":"event","event":"${event}","atUs":5,"args":${args}}\n`,
      says: `h.ndjson:2: the event ${event}: ${says}`,
    })),
    { title: 'no header', text: OP, says: 'h.ndjson:1: the first line must be the header' },
    {
      title: 'an operation after the end',
      text: HEADER + END + OP,
      says: 'h.ndjson:3: an operation after the end record',
    },
    {
      title: 'a second end, which would count other operations',
      text: HEADER + OP + END + END.replace('"sent":1', '"sent":2'),
      says: 'h.ndjson:4: a second end record in one file',
    },
    {
      title: 'a level that no number holds',
      text: HEADER + op(',"decision":{"level":"9007199254740992"}'),
      says: 'h.ndjson:2: decision.level must be a decimal string of quanta within 2^53',
    },
    {
      title: 'half a pair of surrogates, which would be another one as well',
      text: HEADER + op(',"decisionId":"\\ud800"'),
      says: 'h.ndjson:2: decisionId must be well-formed Unicode text',
    },
    {
      title: 'a policy whose name would be that of another one',
      text: HEADER.replace(
        '"policy":',
        '"policies":{"\\udc00":{"capacity":1,"refill":{"tokens":1,"perUs":1}}},"policy":',
      ),
      says: 'h.ndjson:1: the name of a policy must be well-formed Unicode text',
    },
    { title: 'two headers', text: HEADER + HEADER, says: 'h.ndjson:2: a second header' },
    {
      title: 'completed before invoked',
      text: HEADER + OP.replace('"completedUs":5', '"completedUs":-1'),
      says: 'h.ndjson:2: completed before it was invoked: completedUs -1, invokedUs 0',
    },
    {
      title: 'due after it was sent',
      text: HEADER + OP.replace('"completedUs":5', '"completedUs":5,"intendedUs":1'),
      says: 'h.ndjson:2: intendedUs must not be after invokedUs (0); found 1',
    },
    { title: 'a duplicate index', text: HEADER + OP + OP, says: 'h.ndjson:3: index 0 is a duplicate' },
    {
      title: 'an unknown outcome',
      text: HEADER + OP.replace('allowed', 'maybe'),
      says: 'h.ndjson:2: outcome must be one of allowed, denied, failed, info; found "maybe"',
    },
    {
      title: 'an operation without bucket',
      text: HEADER + OP.replace('"bucket":"b",', ''),
      says: 'h.ndjson:2: an operation needs a bucket; found undefined',
    },
    {
      title: 'an unknown policy',
      text: HEADER + op(',"policy":"gold"'),
      says: 'h.ndjson:2: the header has no policy named "gold"',
    },
    {
      title: 'an unknown type',
      text: `${HEADER}{"type":"opp"}\n`,
      says: 'h.ndjson:2: type must be one of header, op, event, fault, clock, end; found "opp"',
    },
    { title: 'text that is not JSON', text: `${HEADER}{"type"\n${OP}`, says: 'h.ndjson:2: not JSON' },
    {
      title: 'a number that begins with zero',
      text: HEADER + OP.replace('"index":0', '"index":007'),
      says: 'h.ndjson:2: not JSON',
    },
    {
      title: 'a fraction of a token',
      text: HEADER + op(',"cost":0.5'),
      says: 'h.ndjson:2: cost must be a whole number of tokens',
    },
    {
      title: 'a level that is no string',
      text: HEADER + op(',"decision":{"level":3}'),
      says: 'h.ndjson:2: decision.level must be a decimal string',
    },
    {
      title: 'attempts of different costs',
      text:
        HEADER + op(',"decisionId":"d"') + op(',"decisionId":"d","cost":2').replace('"index":0', '"index":1'),
      says: 'h.ndjson: attempts with the same decisionId must have the same cost',
    },
  ])('$title', ({ text, says }) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_HISTORY', message: expect.stringContaining(says) }),
    );
  });

  it('a line of a gigabyte, without holding it', () => {
    const reader = new HistoryReader();
    reader.startFile('h.ndjson');
    reader.push(bytesOf(HEADER));
    const chunk = new Uint8Array(65_536).fill(97);
    let pushed = 0;
    expect(() => {
      for (; pushed < 1_024 ** 3; pushed += chunk.length) reader.push(chunk);
    }).toThrow(/h\.ndjson:2: the line is longer than 1 MiB/);
    expect(pushed).toBeLessThan(2 * 1_048_576);
  });

  it('files of different policies', () => {
    const reader = new HistoryReader();
    reader.startFile('one');
    reader.push(bytesOf(HEADER));
    reader.endFile();
    reader.startFile('two');
    expect(() => reader.push(bytesOf(encodeRecord(headerOf('10:5/s'))))).toThrow(
      /two:1: its policies differ/,
    );
  });
});
