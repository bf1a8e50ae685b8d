import fc from 'fast-check';
import { expect, it } from 'vitest';
import { headerOf } from '../../test/support/history.ts';
import { Draft } from './columns/draft.ts';
import { fillDraft } from './columns/fill-draft.ts';
import { Interner } from './columns/interner.ts';
import { HistoryReader } from './reader.ts';
import { encodeRecord } from './records/codec.ts';
import { parseRecord } from './records/parse-record.ts';
import { OperationScanner } from './scan/scan-operation.ts';

/** Lines are latin1 here: each character is one byte. */
const bytesOf = (line: string) => Uint8Array.from(line, (character) => character.charCodeAt(0));
const utf8 = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));

const POLICIES = { gold: { capacity: 5, refill: { tokens: 1, perUs: 1_000 } } };
const HEADER = bytesOf(encodeRecord(headerOf('20:5/s', { policies: POLICIES })));
const OTHER = bytesOf(
  '{"type":"op","index":9,"bucket":"b","region":"r","cost":1,"invokedUs":1,"completedUs":2,"outcome":"allowed"}\n',
);

/** All that a history says, or why it is refused. */
function read(lines: readonly string[]): unknown {
  const reader = new HistoryReader();
  reader.startFile('h');
  try {
    reader.push(HEADER);
    for (const line of lines) reader.push(bytesOf(`${line}\n`));
    reader.push(OTHER);
    reader.endFile();
    const { operations: table, outcomes, errors, decisionClock, files } = reader.finish();
    const rows = Array.from({ length: table.rows }, (_, row) => ({
      invokedUs: table.invokedUs[row],
      lastUs: table.lastUs(row),
      dueUs: [table.isDue(row), table.lastUs(row) - table.latencyUs(row)],
      cost: table.costTokens[row],
      kind: table.kinds[row],
      origin: [table.origins[row], table.regionOf(row), table.instanceOf(row)],
      operation: table.operationOf(row),
      level: [table.levels?.of(row), table.levels?.bucketUs(row), table.levels?.nodeName(row)],
      stated: table.statedOf(row),
    }));
    const buckets = Array.from({ length: table.bucketCount }, (_, at) => [
      table.starts[at],
      table.nameOf(at),
    ]);
    return { rows, buckets, outcomes, errors, decisionClock, files };
  } catch (error) {
    return error instanceof Error ? error.message.replace(/(?<=: not JSON).*/s, '') : error;
  }
}

const NUMBERS = [
  ...['0', '-0', '1', '5', '-1', '7', '100', '1.5', '-0.5', '1e3', '0e0', '01', '-', '+1', '.5', '1.', '5 '],
  ...['2147483647', '2147483648', '-2147483648', '4294967295', '4294967296', '123456789012345'],
  ...['9007199254740991', '-9007199254740991', '9007199254740992', '9007199254740993', '12345678901234567'],
  ...['1795559409216235', 'null', 'true', '"5"', '""', '{}', '[]', 'NaN', '1e400'],
];
const TEXTS = [
  ...['"b"', '""', '"c"', '"r"', '"gold"', '"n"', '"redis"', '"central"', '"a b"', '"fallback"', '"\u007f"'],
  ...[utf8('"ü"'), utf8('"😀"'), utf8('"\ufeffb"'), utf8('"\u2028"'), utf8('"\ufffd"')],
  ...['"\\u0062"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\udc00b"', '"a\\"b"', '"\\n"', '"\\x"', '"b', "'b'"],
  ...['"\xff"', '"\xfe"', '"\xc3("', '"\xed\xa0\x80"', '"\xc0\xaf"', '"\xf4\x90\x80\x80"', '"\t"', '"\0"'],
  ...['null', '5', 'true', '{}', '["b"]'],
];
const OUTCOMES = [
  '"allowed"',
  '"denied"',
  '"failed"',
  '"info"',
  '"Allowed"',
  '"\\u0061llowed"',
  'null',
  '""',
];
const SOURCES = ['"redis"', '"lease"', '"local"', '"fallback"', '"magic"', '""', '"\xff"', 'null', '5'];
const LEVELS = [
  ...['"0"', '"-0"', '"3800000"', '"-7"', '"007"', '"9007199254740991"', '"9007199254740992"', '"1e3"'],
  ...['" 5"', '"5 "', '"1.5"', '""', '5', 'null', '"\\u0035"', '"99999999999999999"', '"-9999999999999999"'],
];

const oneOf = (values: readonly string[]) => fc.constantFrom(...values);
const field = (names: readonly string[], value: fc.Arbitrary<string>) =>
  fc.tuple(oneOf(names), value).map(([name, text]) => `"${name}":${text}`);

const decision = fc
  .array(
    fc.oneof(
      field(['strategy', 'node'], oneOf([...TEXTS, '"central"', '"active-active"', '"n"'])),
      field(['source'], oneOf([...SOURCES, '"redis"', '"redis"', '"lease"', '"fallback"'])),
      field(['atUs', 'bucketUs', 'ageUs'], oneOf([...NUMBERS, '5', '6', '1795559409216235'])),
      field(['level'], oneOf([...LEVELS, '"5"', '"3800000"'])),
      field(['charge'], oneOf(['"none"', '"possible"', '"some"', '""', 'null', '0', '"\\u006eone"'])),
      field(['more', 'Node', '__proto__', 'no\\u0064e'], oneOf(['1', '"n"', '{"source":"redis"}'])),
    ),
    { maxLength: 7 },
  )
  .map((fields) => `{${fields.join(',')}}`);

const stated = fc
  .array(
    fc.oneof(
      field(['remaining', 'retryAfterS', 'retryAtS', 'reset', 'limit', 'windowS'], oneOf(NUMBERS)),
      field(
        ['remaining', 'retryAfterS', 'reset'],
        oneOf(['0.1', '-0.5', '12.000001', '1.50', '0.999999999999999', '00.5', '1.2.3', '1.5e3', '-0.0']),
      ),
      field(
        ['resetForm'],
        oneOf(['"delta"', '"any"', '"delta"', '"epoch"', '""', 'null', '5', '"d\\u0065lta"']),
      ),
      field(['more', 'Reset', 'reset '], oneOf(['1', '"delta"'])),
    ),
    { maxLength: 5 },
  )
  .map((fields) => `{${fields.join(',')}}`);

const SETTLED = '{"cost":0,"invokedUs":9,"completedUs":9,"outcome":"allowed"}';

const anyField = fc.oneof(
  field(['stated'], fc.oneof(stated, stated, oneOf(['null', '5', '[]', '{}', '"a"']))),
  field(['bucket', 'user', 'region', 'instance', 'error', 'policy', 'decisionId'], oneOf(TEXTS)),
  field(['index', 'cost', 'invokedUs', 'completedUs', 'latestUs', 'intendedUs'], oneOf(NUMBERS)),
  field(['process', 'status', 'maxCharge'], oneOf(NUMBERS)),
  field(['outcome'], oneOf(OUTCOMES)),
  field(['decision'], fc.oneof(decision, decision, decision, oneOf(['null', '5', '[]', '{}', '""']))),
  field(['charges'], oneOf(['null', '[]', '[{"bucket":"c","cost":2}]', '[{"bucket":"\\ud800"}]', '{}'])),
  field(['settled', 'expiresUs'], oneOf(['null', '5', '{}', '[]', SETTLED])),
  field(['type'], oneOf(['"op"', '"op"', '"end"', '"header"', '"\\u006fp"'])),
  field(
    ['more', 'Bucket', '__proto__', 'constructor', '\\u0062ucket', ''],
    oneOf(['1', '"b"', '{"cost":3}']),
  ),
);

/** What the scanner takes, mostly: what only JSON.parse reads agrees with itself. */
const goodDecision = fc
  .array(
    fc.oneof(
      field(
        ['strategy', 'node'],
        oneOf(['"central"', '"active-active"', '"n"', '""', utf8('"ü"'), '"\xff"']),
      ),
      field(['source'], oneOf(SOURCES.slice(0, 6))),
      field(['atUs', 'bucketUs', 'ageUs'], oneOf(['5', '7', '-1', '-0', '1795559409216235'])),
      field(['level'], oneOf(LEVELS.slice(0, 7))),
      field(['charge'], oneOf(['"none"', '"possible"', '"some"'])),
    ),
    { minLength: 1, maxLength: 7 },
  )
  .map((fields) => `{${fields.join(',')}}`);

const goodStated = fc
  .array(
    fc.oneof(
      field(
        ['remaining', 'retryAfterS', 'retryAtS', 'reset', 'limit', 'windowS'],
        oneOf([
          '0',
          '-0',
          '7',
          '-2',
          '300',
          '0.1',
          '12.000001',
          '-0.5',
          '1795559409.123456',
          '9007199254740991',
        ]),
      ),
      field(['resetForm'], oneOf(['"delta"', '"any"'])),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((fields) => `{${fields.join(',')}}`);

const goodField = fc.oneof(
  field(['stated'], goodStated),
  field(
    ['bucket', 'user', 'region', 'error', 'decisionId'],
    oneOf(['"b"', '"c"', '""', utf8('"😀"'), '"\xfe"']),
  ),
  field(['policy'], oneOf(['"gold"', '"gold"', '"tin"'])),
  field(['cost', 'maxCharge', 'process', 'status'], oneOf(['-3', '-0', '0', '1', '4', '2147483647'])),
  field(['invokedUs', 'intendedUs'], oneOf(['-0', '0', '4', '5', '-9007199254740991'])),
  field(['completedUs', 'latestUs'], oneOf(['5', '9', '20', 'null', '9007199254740991'])),
  field(['outcome'], oneOf(OUTCOMES.slice(0, 4))),
  field(['decision'], goodDecision),
  field(['decision'], goodDecision),
);

/** Fields of a good line, each of which may be missing, of another place, or come twice. */
const whole = fc.shuffledSubarray(
  [
    ...['"type":"op"', '"index":0', '"bucket":"b"', '"user":"u"', '"region":"r"', '"process":3', '"cost":2'],
    ...['"invokedUs":5', '"completedUs":9', '"outcome":"allowed"', '"status":201', '"decisionId":"d"'],
    ...['"intendedUs":4', '"latestUs":20', '"maxCharge":3', '"error":"E"'],
    '"stated":{"remaining":3,"reset":4,"resetForm":"delta"}',
    '"decision":{"strategy":"central","node":"n","atUs":7,"bucketUs":7,"level":"3800000","source":"redis"}',
  ],
  { minLength: 8 },
);
const needed = [
  '"type":"op"',
  '"index":0',
  '"bucket":"b"',
  '"invokedUs":5',
  '"completedUs":9',
  '"outcome":"allowed"',
];

/** What is put in place of up to three bytes somewhere. */
const patch = fc.tuple(
  fc.nat(400),
  fc.nat(3),
  fc.oneof(
    fc.nat(255).map((byte) => String.fromCharCode(byte)),
    oneOf([
      '',
      '',
      '"',
      ',',
      ':',
      '{',
      '}',
      ' ',
      '\t',
      '\r',
      '\\',
      '0',
      '-',
      '\\u0031',
      '\xef\xbb\xbf',
      'null',
      ',"cost":1',
    ]),
  ),
);

const line = fc
  .tuple(
    fc.oneof(fc.constant(needed), fc.constant(needed), whole),
    fc.array(
      fc.tuple(fc.nat(20), fc.oneof({ weight: 5, arbitrary: goodField }, { weight: 1, arbitrary: anyField })),
      {
        maxLength: 4,
      },
    ),
    fc.oneof(
      { weight: 7, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(patch, { maxLength: 2 }) },
    ),
  )
  .map(([fields, more, patches]) => {
    const all = [...fields];
    for (const [at, one] of more) all.splice(at % (all.length + 1), 0, one);
    let text = `{${all.join(',')}}`;
    for (const [at, length, put] of patches) {
      const from = at % (text.length + 1);
      text = text.slice(0, from) + put + text.slice(from + length);
    }
    return text.replaceAll('\n', '');
  });

const LINE = '{"type":"op","index":0,"bucket":"b","invokedUs":5,"completedUs":9,"outcome":"allowed"}';
const decided = (decision: string) => LINE.replace('}', `,"decision":{"strategy":"central",${decision}}}`);

/** A blank at its end makes a line one that is parsed. */
const parsed = (lines: readonly string[]) => lines.map((one) => `${one} `);

it.each([
  { title: 'whose decision names no source', line: decided('"node":"n"') },
  { title: 'whose decision names no node', line: decided('"source":"redis","bucketUs":5,"level":"5"') },
  {
    title: 'whose decision names a node of no letters',
    line: decided('"node":"","source":"redis","bucketUs":5,"level":"5"'),
  },
  {
    title: 'with two decisions',
    line: decided('"node":"n","source":"redis","level":"5"').replace(/}$/, ',"decision":{"charge":"none"}}'),
  },
  {
    title: 'whose second completion is null',
    line: LINE.replace('9', '9,"completedUs":null'),
  },
  {
    title: 'without a telling reply, of which one came',
    line: decided('"node":"n","source":"redis","atUs":7').replace('allowed', 'info'),
  },
  {
    title: 'that stated twice, the second time less',
    line: LINE.replace('}', ',"stated":{"remaining":1,"limit":2,"resetForm":"delta"},"stated":{"reset":1}}'),
  },
  {
    title: 'that stated more digits than 15',
    line: LINE.replace('}', ',"stated":{"reset":0.1234567890123456}}'),
  },
  { title: 'with a region of no letters', line: LINE.replace('"index"', '"region":"","index"') },
  { title: 'whose bucket is no UTF-8', line: LINE.replace('"b"', '"\xff"') },
  { title: 'whose user is no UTF-8', line: LINE.replace('"index"', '"user":"\xc3(","index"') },
])('a line means the same scanned and parsed, also one $title', ({ line: one }) => {
  expect(read([one])).toEqual(read(parsed([one])));
});

it('a line that is scanned fills a draft as it does when it is parsed', () => {
  const texts = new Interner();
  const [draft, want] = [new Draft(), new Draft()];
  const scanner = new OperationScanner(texts, draft);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let scanned = 0;
  const numRuns = Number(process.env.LINES ?? 10_000);
  fc.assert(
    fc.property(line, (one) => {
      const bytes = bytesOf(one);
      if (!scanner.scan(bytes, 0, bytes.length)) return; // it is parsed, whatever it is
      scanned++;
      const record = parseRecord(JSON.parse(decoder.decode(bytes)));
      if (record.type !== 'op' || record.charges !== undefined) throw new Error('not for the scanner');
      fillDraft(want, record, record, texts);
      expect(draft).toEqual(want);
    }),
    { numRuns, seed: Number(process.env.SEED ?? 1) },
  );
  expect(scanned).toBeGreaterThan(numRuns / 3); // lines that are left to JSON.parse prove nothing
});
