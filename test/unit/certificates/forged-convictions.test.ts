import { describe, expect, it } from 'vitest';
import {
  type CertificateRecord,
  certificateRecords,
} from '../../../src/checker/certificates/certificate-lines.ts';
import { examineHistory } from '../../../src/checker/check.ts';
import { headerOf } from '../../support/history.ts';
import { bytesOf, read } from '../../support/read-history.ts';
import { HEAD } from './forge.ts';
import { verifyTexts } from './verified.ts';

const S = 1_000_000;
type Fields = Readonly<Record<string, unknown>>;

/** A header as a recorder may write it, with `clocks: "one"` if nothing else is said. */
const header = (policy: string, changes: Fields = {}): Fields => ({ ...headerOf(policy), ...changes });
const op = (index: number, fields: Fields = {}): Fields => ({
  ...{ type: 'op', index, bucket: 'b', cost: 1, invokedUs: 0, completedUs: 10, outcome: 'allowed' },
  ...fields,
});
const denied = (index: number, us: number, fields: Fields = {}) =>
  op(index, { invokedUs: us, completedUs: us + 10, outcome: 'denied', ...fields });
const at = (us: number, fields: Fields = {}): Fields => ({ invokedUs: us, completedUs: us, ...fields });
const reading = (node: string, us: number): Fields => ({
  ...{ type: 'clock', node, atUs: us, serverUs: us, errorUs: 0 },
});
const decidedBy = (node: string, atUs: number, fields: Fields = {}): Fields => ({
  decision: { strategy: 'central', node, source: 'redis', atUs, bucketUs: atUs, ...fields },
});

/** The text of a file with these records, and its end. */
function textOf(records: readonly Fields[]): string {
  const sent = records.filter(({ type }) => type === 'op').length;
  return [...records, { type: 'end', atUs: 9 * S, sent }].map((one) => `${JSON.stringify(one)}\n`).join('');
}

const excess = (operations: readonly number[], fields: Fields = {}): Fields => ({
  ...{ type: 'excess', bucket: 'b', fromUs: 0, untilUs: 0, operations },
  ...fields,
});
const denial = (operation: number, fields: Fields = {}): Fields => ({
  ...{ type: 'denial', bucket: 'b', operation },
  ...fields,
});
const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

/** What the verifier says of a conviction of one bucket among some; it throws for a history that it does not read. */
async function convicted(files: readonly (string | Uint8Array)[], record: Fields, buckets = 1) {
  const end = { type: 'end', buckets, proved: 0, admissionsProved: 0, withinBound: 0, convicted: 1 };
  const lines = [HEAD, record, { ...end, open: buckets - 1 }] as CertificateRecord[];
  const { counts, exitCode } = await verifyTexts(
    files,
    lines.map((one) => `${JSON.stringify(one)}\n`).join(''),
  );
  return exitCode === 0 && (counts.excess ?? 0) + (counts.denial ?? 0) > 0;
}

const RULES = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };

/** What the checker accuses. */
function accused(text: string): number {
  return examineHistory(read(text), RULES).report.proofs?.convicted ?? 0;
}

const { initial: _, ...unsaid } = header('2:1/s');
const fallback = { strategy: 'central', node: 'n', source: 'fallback', charge: 'possible' };

describe('no conviction depends on how a history says that a field is absent:', () => {
  it.each([
    { title: 'no first level', records: [unsaid, op(0), denied(1, 100)], record: denial(1) },
    {
      title: 'no cost, which is 1',
      records: [header('2:1/s'), op(0, { cost: undefined }), op(1, { cost: null }), denied(2, 100)],
      record: denial(2),
    },
    {
      title: 'no cost of a charge',
      records: [header('1:1/s'), op(0, { charges: [{ bucket: 'b' }] }), denied(1, 100)],
      record: denial(1),
    },
    {
      title: 'no decision id',
      records: [header('2:1/s'), op(0, { decisionId: null }), op(1, { decisionId: null }), denied(2, 100)],
      record: denial(2),
    },
    {
      title: 'no most that may be charged, beside a failure policy',
      records: [header('2:1/s'), op(0, { maxCharge: null, decision: fallback }), denied(1, 100)],
      record: denial(1),
    },
    {
      title: 'no policy',
      records: [header('2:1/s'), op(0, { policy: null }), op(1, { policy: null }), denied(2, 100)],
      record: denial(0),
      buckets: 2,
    },
  ])('$title', async ({ records, record, buckets }) => {
    const text = textOf(records);
    expect(accused(text)).toBe(0);
    expect(await convicted([text], record, buckets)).toBe(false);
    expect(await convicted([text], record)).toBe(false);
  });
});

describe('no conviction comes of', () => {
  const first = reading('m', 0);
  const every = upTo(1_001).map((second) => reading('m', second * S));
  /** A bucket whose node's clock has gained a thousandth in 1,000 s. */
  const fast = [
    op(0, at(0)),
    ...upTo(1_000).map((number) => op(number + 1, { completedUs: 1_000 * S })),
    op(1_001, { completedUs: 1_000 * S }),
  ];
  const clocks = (value: string | undefined) => header('1:1/s', { clocks: value });

  it.each([
    { title: 'an end of an operation long after its start', records: [clocks(undefined), first, ...fast] },
    { title: 'it, with a clock that drifts apart', records: [clocks('apart'), ...fast] },
    {
      title: 'a node whose clock was read once, beside another',
      records: [clocks(undefined), ...every, reading('n', 0), ...fast],
    },
    {
      title: 'a node that was not read, beside another',
      records: [
        header('1:1/ms', { clocks: undefined }),
        ...[reading('m', 0), reading('m', 2_000)],
        ...[op(0, { ...decidedBy('n', 0) }), op(1, { ...at(900), ...decidedBy('n', 1_000) })],
      ],
      operations: [0, 1],
    },
    {
      title: 'decisions that show a fast clock',
      records: [
        header('3000:1/ms', { clocks: undefined }),
        ...[0, 3_000_000].map((us, index) =>
          op(index, { ...at(us), cost: 3_000, ...decidedBy('n', us + index * 3_000) }),
        ),
        op(2, { ...at(3_000_000), cost: 3, ...decidedBy('n', 3_003_000) }),
      ],
      operations: [0, 1, 2],
    },
  ])('$title', async ({ records, operations = upTo(1_002) }) => {
    const text = textOf(records);
    expect(accused(text)).toBe(0);
    expect(await convicted([text], excess(operations))).toBe(false);
  });

  it('a slack that another file does not state, which is then a millisecond', async () => {
    const files = [
      [header('1:1/ms', { clockSlackUs: 0 }), reading('m', 0), op(0, at(0))],
      [header('1:1/ms', { clocks: undefined }), reading('m', 500), op(0, at(500))],
    ];
    expect(await convicted(files.map(textOf), excess([0, 1]))).toBe(false);
  });

  it.each([
    {
      title: 'a bucket whose time was ahead of the clock when the history began',
      parts: [0, 5 * S].map((us, index) =>
        denied(index, us, decidedBy('n', us, { bucketUs: 10 * S, level: '0' })),
      ),
    },
    {
      title: 'a request without a reply, which does not say when the history began',
      parts: [op(0, { outcome: 'info', completedUs: null, latestUs: 10 }), denied(1, 5 * S)],
    },
    {
      title: 'such a bucket, of a node without a name',
      parts: [0, 5 * S].map((us, index) =>
        denied(index, us, decidedBy('', us, { bucketUs: 10 * S, level: '0' })),
      ),
    },
  ])('a first level that is unknown: $title', async ({ parts }) => {
    const text = textOf([header('2:1/s', { initial: 'unknown', clocks: undefined }), ...parts]);
    expect(accused(text)).toBe(0);
    expect(await convicted([text], denial(1))).toBe(false);
  });

  it('a history that began in mid-traffic, where a refund that it lacks may have come', async () => {
    const text = (initial: string) =>
      textOf([header('2:1/s', { initial }), ...upTo(3).map((index) => op(index))]);
    expect([text('unknown'), text('full')].map(accused)).toEqual([0, 1]);
    expect(await convicted([text('unknown')], excess([0, 1, 2]))).toBe(false);
    expect(await convicted([text('full')], excess([0, 1, 2]))).toBe(true);
  });

  it('one in mid-traffic, of what began by its first reply', async () => {
    const parts = [op(0), ...[1, 2, 3].map((index) => op(index, at(20))), op(4, { completedUs: 30 })];
    const text = textOf([header('2:1/s', { initial: 'unknown' }), ...parts]);
    expect(accused(text)).toBe(1);
    expect(await convicted([text], excess([0, 1, 2, 4]))).toBe(false);
    expect(await convicted([text], excess([1, 2, 3]))).toBe(true);
    const together = [op(0), ...[1, 2, 3].map((index) => op(index, at(10)))]; // a refund came between them
    const atOnce = textOf([header('2:1/s', { initial: 'unknown' }), ...together]);
    expect(await convicted([atOnce], excess([1, 2, 3]))).toBe(false);
  });

  it('an extension above the capacity, which costs as much as the work did', async () => {
    const extension = { cost: 12, ...at(0), completedUs: 10 * S, outcome: 'allowed' };
    const text = textOf([header('10:1/s'), op(0, { extended: [extension] })]);
    expect(accused(text)).toBe(0);
    expect(await convicted([text], excess([1]))).toBe(false);
  });

  it('a bucket whose time is ahead of its node’s clock, since another node decided before', async () => {
    const lost = op(0, { cost: 2, outcome: 'info', completedUs: null, latestUs: 10 });
    const late = denied(1, 4 * S, decidedBy('n', 4 * S, { bucketUs: 10 * S, level: '0' }));
    const text = textOf([header('2:1/s', { clocks: undefined }), lost, late]);
    expect(accused(text)).toBe(0);
    expect(await convicted([text], denial(1))).toBe(false);
  });

  it('a reset of every bucket, whose bucket is null', async () => {
    const reset = (bucket: unknown) => ({ type: 'event', event: 'reset', atUs: 20, args: { bucket } });
    const text = (bucket: unknown) => textOf([header('1:1/s'), op(0), reset(bucket), op(1, at(30))]);
    expect(['other', undefined, null].map((bucket) => accused(text(bucket)))).toEqual([1, 0, 0]);
    for (const [bucket, is] of [
      ['other', true],
      [undefined, false],
      [null, false],
    ] as const)
      expect(await convicted([text(bucket)], excess([0, 1]))).toBe(is);
  });

  it('a rate that is not in lowest terms', async () => {
    const many = Number.MAX_SAFE_INTEGER - 1;
    const policy = { capacity: 3, refill: { tokens: many, perUs: many } };
    const text = textOf([header('1:1/s', { policy }), ...upTo(3).map((index) => op(index, at(5)))]);
    expect(accused(text)).toBe(0);
    expect(await convicted([text], excess([0, 1, 2]))).toBe(false);
  });

  it('times that are further apart than a number is exact', async () => {
    const perUs = 2 ** 52 - 1;
    const parts = upTo(4).map((index) => op(index, at((index - 2) * perUs)));
    const text = textOf([
      header('1:1/s', { policy: { capacity: 1, refill: { tokens: 1, perUs } } }),
      ...parts,
    ]);
    expect(await convicted([text], excess(upTo(4)))).toBe(false);
  });

  it('another promise than that of the history', async () => {
    const parts = [0, 20, S + 30, S + 40].map((us, index) => op(index, at(us)));
    const text = textOf([header('2:1/s', { promise: 'fixed-window:2/1s:first' }), ...parts]);
    expect(accused(text)).toBe(0);
    expect(await convicted([text], excess([0, 1, 2, 3]))).toBe(false);
    const ofBuckets = textOf([header('2:1/s', { promise: 'token-bucket' }), ...parts]);
    expect(await convicted([ofBuckets], excess([0, 1, 2, 3]))).toBe(true);
  });
});

describe('no conviction comes of a history of which nothing is judged:', () => {
  const event = (name: string, args: Fields) => ({ type: 'event', event: name, atUs: 0, node: 'n', args });
  it.each([
    { title: 'its limiter used a real clock', events: [event('outside', { used: 'Date.now' })], is: false },
    {
      title: 'not of one whose limiter used chance',
      events: [event('outside', { used: 'Math.random', harmless: true })],
      is: true,
    },
    {
      title: 'its node is two servers, each with a bucket',
      events: ['a', 'b'].map((runId) => event('server', { runId })),
      is: false,
    },
    {
      title: 'not of one whose node is one',
      events: ['a', 'a'].map((runId) => event('server', { runId })),
      is: true,
    },
  ])('$title', async ({ events, is }) => {
    const text = textOf([header('1:1/s', { simulated: true }), ...events, op(0), op(1)]);
    expect(await convicted([text], excess([0, 1]))).toBe(is);
  });
});

it.each([
  {
    title: 'what a settlement gives back',
    first: { cost: 10, settled: { charges: [{ bucket: 'b', cost: 3 }], ...at(20), outcome: 'allowed' } },
    second: { cost: 7, ...at(40) },
    record: excess([0, 2]),
  },
  {
    title: 'what an extension holds',
    first: { cost: 2, extended: [{ charges: [{ bucket: 'b' }], ...at(20), outcome: 'allowed' }] },
    second: { cost: 8, ...at(40), outcome: 'denied' },
    record: denial(2),
  },
])('a step of a reservation may name its bucket: $title', async ({ first, second, record }) => {
  const text = textOf([header('10:1/s'), op(0, first), op(1, second)]);
  const history = read(text);
  const certificate = [...certificateRecords(history.operations, examineHistory(history, RULES))];
  const lines = certificate.map((one) => `${JSON.stringify(one)}\n`).join('');
  expect((await verifyTexts([text], lines)).counts).toMatchObject({ proved: 1, refused: 0 });
  expect(await convicted([text], record)).toBe(false);
});

describe('a history is not read', () => {
  const full = [header('2:1/s'), op(0), op(1)];
  const decision = { ...fallback, charge: 'none' };
  const ofRun = (changes: Fields) => textOf([header('2:1/s', changes), op(0), op(1)]);

  it.each([
    { title: 'that is given twice', files: [full, full].map(textOf), says: 'a file is given twice' },
    {
      title: 'of two runs',
      files: [{ seed: 1 }, { seed: 2 }].map(ofRun),
      says: 'files are of several runs: seed differs',
    },
    {
      title: 'of two simulations',
      files: [{ simulated: true }, {}].map(ofRun),
      says: 'files are of several runs: a simulation writes one',
    },
    {
      title: 'whose attempts of one decision differ in cost',
      files: [
        textOf([
          header('5:1/s'),
          op(0, { decisionId: 'd', outcome: 'info', completedUs: null }),
          ...[op(1, { decisionId: 'd', cost: 5 }), denied(2, 100)],
        ]),
      ],
      says: 'attempts of one decision differ in cost',
    },
    {
      title: 'whose attempts of one reservation hold different numbers of tokens',
      files: [
        textOf([
          header('5:1/s'),
          op(0, { decisionId: 'd', extended: [{ cost: 4, ...at(20), outcome: 'allowed' }] }),
          op(1, { decisionId: 'd', settled: { cost: 0, ...at(40), outcome: 'allowed' } }),
        ]),
      ],
      says: 'attempts of one reservation hold different numbers of tokens',
    },
    {
      title: 'in which a failure policy denied an extension',
      files: [
        textOf([header('2:1/s'), op(0, { extended: [{ cost: 1, ...at(20), outcome: 'denied', decision }] })]),
      ],
      says: 'a failure policy decides no step of a reservation',
    },
    ...[
      {
        what: 'a reset at no time',
        more: { type: 'event', event: 'reset' },
        says: 'a record of type event has a wrong number',
      },
      {
        what: 'a reset of a bucket that is a number',
        more: { type: 'event', event: 'reset', atUs: 0, args: { bucket: 7 } },
        says: 'a reset names a bucket that is no text',
      },
      {
        what: 'a reading with a negative error',
        more: { ...reading('m', 0), errorUs: -1 },
        says: 'a record of type clock has a wrong number',
      },
      {
        what: 'a reading that is a text',
        more: { ...reading('m', 0), serverUs: '0' },
        says: 'a record of type clock has a wrong number',
      },
      {
        what: 'a record of no type that there is',
        more: { type: 'Op' },
        says: 'records of type "Op" are unknown',
      },
      { what: 'a second header', more: header('2:1/s', { clocks: 'apart' }), says: 'a file has one header' },
      { what: 'an operation that is there twice', more: op(1), says: 'an operation has no index of its own' },
      { what: 'a cost that is a text', more: op(2, { cost: '1' }), says: 'a cost that is no whole number' },
      { what: 'a cost of half a token', more: op(2, { cost: 0.5 }), says: 'a cost that is no whole number' },
      { what: 'a decision id that is none', more: op(2, { decisionId: 1 }), says: 'a decisionId is no text' },
      { what: 'a time beyond 2^53', more: op(2, { completedUs: 2 ** 60 }), says: 'a number that is none' },
      { what: 'an end before the start', more: op(2, { invokedUs: 20 }), says: 'ends before it begins' },
    ].map(({ what, more, says }) => ({ title: `with ${what}`, files: [textOf([...full, more])], says })),
    ...[
      { what: 'of another version', changes: { version: 2 }, says: 'it is no history of version 1' },
      { what: 'of clocks that are unknown', changes: { clocks: 'ours' }, says: 'clocks "ours" are unknown' },
    ].map(({ what, changes, says }) => ({ title: what, files: [ofRun(changes)], says })),
    ...[
      [0, 1, S],
      [2, -1, S],
      [2, 1, '1'],
    ].map(([capacity, tokens, perUs]) => {
      const policy = { capacity, refill: { tokens, perUs } };
      return {
        title: `of the policy ${JSON.stringify(policy)}`,
        files: [textOf([header('2:1/s', { policy }), op(0), op(1)])],
        says: 'a policy has a wrong number',
      };
    }),
    {
      title: 'with a negative slack of its clock',
      files: [textOf([header('2:1/s', { clockSlackUs: -S }), op(0), op(1, at(100))])],
      says: 'a record of type header has a wrong number',
    },
    {
      title: 'with an operation after its end',
      files: [`${textOf(full).replace('"sent":2', '"sent":3')}${JSON.stringify(op(2))}\n`],
      says: 'an operation follows the end',
    },
  ])('$title', async ({ files, says }) => {
    const both = excess([0, 1]);
    await expect(convicted(files, both)).rejects.toThrow(`exit code 64: `);
    await expect(convicted(files, both)).rejects.toThrow(says);
  });

  it('with names that are not UTF-8, which would become one name', async () => {
    const names = [0xff, 0xff, 0xfe, 0xfe];
    const text = textOf([header('2:1/s'), ...names.map((_, index) => op(index, { bucket: `~${index}` }))]);
    const bytes = bytesOf(text);
    const marks = [...bytes.keys()].filter((place) => bytes[place] === '~'.charCodeAt(0));
    for (const [number, place] of marks.entries()) bytes.set([names[number] as number, 0x20], place);
    const record = excess([0, 1, 2, 3], { bucket: '\ufffd ' });
    await expect(convicted([bytes], record)).rejects.toThrow('it is not UTF-8');
  });

  it('by the checker, which refuses the same', () => {
    const extension = { cost: 1, ...at(20), outcome: 'denied', decision };
    expect(() => read(textOf([header('2:1/s'), op(0, { extended: [extension] })]))).toThrow(
      'an extension must be decided by the limiter that holds the reservation',
    );
    const policies = { '': { capacity: 1, refill: { tokens: 1, perUs: S } } };
    expect(() => read(textOf([header('2:1/s', { policies }), op(0)]))).toThrow('must have a name');
  });
});

it.each([1, 2])('a policy without a name is another than none, among %i buckets', async (buckets) => {
  const policies = { '': { capacity: 1, refill: { tokens: 1, perUs: S } } };
  const records = [header('2:1/s', { policies }), op(0), op(1)];
  expect(await convicted([textOf(records)], excess([0, 1], { policy: '' }), buckets)).toBe(false);
  const both = textOf([...records, op(2, { policy: '' })]);
  expect(await convicted([both], excess([0, 1, 2]), buckets)).toBe(false);
});
