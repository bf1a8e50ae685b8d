import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type { Header } from '../../../src/history/records/operation.ts';
import { callCli } from '../../support/call-cli.ts';
import { write } from '../../support/check-files.ts';
import { testFolder } from '../../support/cli.ts';
import { headerOf, operationOf } from '../../support/history.ts';

const WINDOWS = 'fixed-window:20/3s:first';

/** A limiter of 20 in windows of 3 s that a request opens, asked 21 times at 0 s and at 3.5 s; then at 7 s `last` times. */
function textOf(header: Partial<Header>, last = 21): string {
  const times = [0, 3_500_000, 7_000_000].flatMap((us, window) =>
    Array.from({ length: window === 2 ? last : 21 }, (_, at) => ({
      invokedUs: us + 100 * at,
      completedUs: us + 100 * at + 50,
      outcome: at < (window === 2 ? last - 1 : 20) ? ('allowed' as const) : ('denied' as const),
    })),
  );
  return [
    headerOf('20:5/s', { strategy: 'plugin:mine.mjs', ...header }),
    ...times.map((time, index) => operationOf(index, time)),
    { type: 'end' as const, atUs: 9_000_000, sent: times.length },
  ]
    .map(encodeRecord)
    .join('');
}

async function check(text: string, ...options: string[]) {
  const cwd = testFolder();
  return callCli(['check', write(cwd, 'h.ndjson', text), '--json', ...options], { cwd });
}

describe('the promise in the header of a history', () => {
  it.each([
    { title: 'is kept', header: { promise: WINDOWS }, last: 21, want: [WINDOWS, 'pass', 0] },
    {
      title: 'is broken by twice as many',
      header: { promise: WINDOWS },
      last: 42,
      want: [WINDOWS, 'fail', 1],
    },
    {
      title: 'is a token bucket, which windows break',
      header: { promise: 'token-bucket' },
      last: 21,
      want: ['token-bucket', 'fail', 1],
    },
    {
      title: 'is written in another way',
      header: { promise: 'fixed-window:20/3000ms:first' },
      last: 21,
      want: [WINDOWS, 'pass', 0],
    },
  ])('$title', async ({ header, last, want }) => {
    const { code, stdout } = await check(textOf(header, last));
    const { promise, verdict, notes = [] } = JSON.parse(stdout);
    expect([promise, verdict, code]).toEqual(want);
    const [explained, others] = [/explains every decision/, /--promise/].map((text) =>
      notes.filter((note: string) => text.test(note)),
    );
    expect(others).toEqual(promise === 'token-bucket' ? explained : []);
  });

  it('yields to --promise, and a note says so', async () => {
    const { code, stdout } = await check(textOf({ promise: 'token-bucket' }), '--promise', WINDOWS);
    const { verdict, notes } = JSON.parse(stdout);
    expect([code, verdict]).toEqual([0, 'pass']);
    expect(notes).toContain(`judged by --promise ${WINDOWS}, though the limiter promises token-bucket`);
  });

  it('that says the same as --promise has no note', async () => {
    const { code, stdout } = await check(
      textOf({ promise: WINDOWS }),
      '--promise',
      'fixed-window:20/3000ms:first',
    );
    expect([code, JSON.parse(stdout).notes]).toEqual([0, undefined]);
  });

  it.each([
    { promise: 'fixed-window', says: 'h.ndjson:1: promise "fixed-window": expected a limit' },
    { promise: 'fixed-windows:20/4s', says: 'did you mean fixed-window?' },
    { promise: 7, says: 'h.ndjson:1: promise must be a text; found 7' },
  ])('is refused as $promise', async ({ promise, says }) => {
    const { code, stdout, stderr } = await check(textOf({ promise: promise as string }));
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toContain(says);
  });
});

describe('a history without a promise', () => {
  it.each(['plugin:mine.mjs', 'external'])('of %s is judged only with --promise', async (strategy) => {
    const { code, stdout, stderr } = await check(textOf({ strategy }));
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toBe(
      `error: the history does not say what its limiter promises, and ${strategy} may promise anything\n` +
        '  add --promise token-bucket, or what else it promises, as in: --promise fixed-window:100/60s [INVALID_OPTION]\n',
    );
    const typed = await check(textOf({ strategy }), '--promise', WINDOWS);
    expect([typed.code, JSON.parse(typed.stdout).verdict]).toEqual([0, 'pass']);
  });

  it.each(['central', 'mine', ''])('of strategy %j is one of a token bucket', async (strategy) => {
    const { code, stdout } = await check(textOf({ strategy }));
    expect([code, JSON.parse(stdout).promise]).toEqual([1, 'token-bucket']);
  });
});
