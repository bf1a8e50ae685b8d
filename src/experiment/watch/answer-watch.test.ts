import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OperationPart, operationOf } from '../../../test/support/history.ts';
import { AnswerWatch, whileUseful } from './answer-watch.ts';

const refused: OperationPart = { outcome: 'info', status: 401, error: 'HTTP_401' };
const broken: OperationPart = { outcome: 'info', status: 500, error: 'HTTP_500' };
const unreached: OperationPart = { outcome: 'failed', error: 'CONNECT_FAILED' };
const denied: OperationPart = { outcome: 'denied', status: 429 };

function watchOf(...answers: readonly OperationPart[]): AnswerWatch {
  const watch = new AnswerWatch();
  for (const [index, answer] of answers.entries()) watch.add(operationOf(index, answer));
  return watch;
}
const times = (count: number, answer: OperationPart) => Array<OperationPart>(count).fill(answer);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the answers of an audited system', () => {
  it.each([
    { title: 'say nothing while there are none', answers: [], why: undefined },
    { title: 'decide nothing while there are few', answers: times(4, refused), why: undefined },
    {
      title: 'are named, the most frequent first',
      answers: [broken, ...times(5, refused)],
      why: /none of 6 requests .* results: 401 \(5 times\), 500 \(once\); send credentials with --header/,
    },
    {
      title: 'are missing where nothing answers',
      answers: times(5, unreached),
      why: /results: CONNECT_FAILED \(5 times\); check the address/,
    },
    {
      title: 'are useful once one is allowed or denied',
      answers: [...times(50, refused), denied],
      why: undefined,
    },
  ])('$title', ({ answers, why }) => {
    const found = watchOf(...answers).whyUseless();
    if (why === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(why);
  });

  it('are missing in a region alone', () => {
    const watch = watchOf({ ...denied, region: 'a' }, { ...unreached, region: 'b' });
    expect([watch.silenceOf('a'), watch.silenceOf('b'), watch.silenceOf('c')]).toEqual([
      undefined,
      'CONNECT_FAILED',
      undefined,
    ]);
  });
});

describe('a load', () => {
  /** It lasts 20 s, unless it is stopped; `answers` come after so many milliseconds. */
  async function load(watch: AnswerWatch | undefined, answers: Readonly<Record<number, OperationPart[]>>) {
    const stop = new AbortController();
    const problems: string[] = [];
    const send = () =>
      new Promise<number>((resolve) => {
        const startedMs = Date.now();
        const end = () => resolve(Date.now() - startedMs);
        stop.signal.addEventListener('abort', end);
        setTimeout(end, 20_000);
        for (const [ms, given] of Object.entries(answers))
          setTimeout(() => {
            for (const one of given) watch?.add(operationOf(0, one));
          }, Number(ms));
      });
    const sent = whileUseful(watch, stop, problems, send);
    await vi.advanceTimersByTimeAsync(30_000);
    return { loadMs: await sent, problems };
  }

  it.each([
    { title: 'ends a moment after answers of no use', answers: { 10: times(9, refused) }, loadMs: 550 },
    {
      title: 'ends late where answers come late',
      answers: { 10: [refused], 5000: times(9, refused) },
      loadMs: 5_050,
    },
    {
      title: 'continues if one is useful in time',
      answers: { 10: times(9, refused), 300: [denied] },
      loadMs: 20_000,
    },
    { title: 'continues after an error or two', answers: { 10: [refused] }, loadMs: 20_000 },
    { title: 'continues while there is no answer', answers: {}, loadMs: 20_000 },
  ])('$title', async ({ answers, loadMs }) => {
    const ended = await load(new AnswerWatch(), answers);
    expect(Math.abs(ended.loadMs - loadMs)).toBeLessThanOrEqual(50);
    expect(ended.problems).toHaveLength(loadMs < 20_000 ? 1 : 0);
  });

  it('is not sent at all where the answers before it were of no use', async () => {
    const ended = await load(watchOf(...times(10, refused)), {});
    expect(ended).toEqual({ loadMs: 0, problems: [expect.stringContaining('401 (10 times)')] });
  });

  it('of a system that is not audited is not watched', async () =>
    expect(await load(undefined, {})).toEqual({ loadMs: 20_000, problems: [] }));
});
