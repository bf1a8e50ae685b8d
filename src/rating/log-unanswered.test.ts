import { expect, it } from 'vitest';
import type { Time } from '../core/time.ts';
import type { Limiter } from '../limiter/limiter.ts';
import { logUnanswered } from './log-unanswered.ts';

const ada = { user: 'ada', endpoint: 'ratings' };

/** A limiter whose takes are answered by hand, and a clock that calls each 500 ms. */
function open() {
  const answers: (() => void)[] = [];
  const logged: string[] = [];
  let nowMs = 0;
  let look: (() => void) | undefined;
  const every: Time['every'] = (_ms, call) => {
    look = call;
    return {
      cancel: () => {
        look = undefined;
      },
    };
  };
  const time = { every, nowUs: () => nowMs * 1_000 } as Time;
  const take = () => new Promise((resolve) => answers.push(() => resolve({ allowed: true })));
  const bare = { take, close: async () => {} } as unknown as Limiter;
  const limiter = logUnanswered(bare, time, (text) => logged.push(text));
  const wait = (ms: number) => {
    for (const endMs = nowMs + ms; nowMs < endMs; ) {
      nowMs += 500;
      look?.();
    }
  };
  return { limiter, answers, logged, wait, isLooking: () => look !== undefined };
}

it('logs the takes that are open for 2 s, when their number changes', async () => {
  const { limiter, answers, logged, wait, isLooking } = open();
  const first = limiter.take(ada);
  wait(1_500);
  void limiter.take(ada);
  expect(logged).toEqual([]);
  wait(5_000);
  expect(logged).toEqual(['not answered for 2 s: 1 takes\n', 'not answered for 2 s: 2 takes\n']);
  answers[0]?.();
  expect(await first).toEqual({ allowed: true });
  wait(500);
  expect(logged.at(-1)).toBe('not answered for 2 s: 1 takes\n');
  await limiter.close();
  expect(isLooking()).toBe(false);
});

it('says nothing of takes that are answered in time, or rejected', async () => {
  const { limiter, answers, logged, wait } = open();
  const taking = limiter.take(ada);
  wait(1_500);
  answers[0]?.();
  await taking;
  wait(3_000);
  expect(logged).toEqual([]);
});
