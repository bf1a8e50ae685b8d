import { expect, it } from 'vitest';
import { allOrNone, settleAll } from './waiting.ts';

it('settles only after all promises, then throws the first error', async () => {
  let finish = () => {};
  const slow = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const failing = ['first', 'second'].map((message) => Promise.reject(new Error(message)));
  const settled = settleAll([slow, ...failing]).then(
    () => 'resolved',
    (error: Error) => error.message,
  );
  const racing = Promise.race([settled, new Promise((resolve) => setImmediate(resolve, 'waits'))]);
  expect(await racing).toBe('waits');
  finish();
  expect(await settled).toBe('first');
});

it('aborts the others if one fails, waits for them, and throws its error', async () => {
  const aborted: string[] = [];
  const waiting = (stop: AbortSignal) =>
    new Promise<never>((_, reject) =>
      stop.addEventListener('abort', () => {
        aborted.push('the other');
        reject(new Error('aborted'));
      }),
    );
  const never = new AbortController().signal;
  const both = allOrNone(never, (stop) => [waiting(stop), Promise.reject(new Error('the one'))]);
  await expect(both).rejects.toThrow('the one');
  expect(aborted).toEqual(['the other']);
});
