import { expect, it } from 'vitest';
import { settleAll } from './settle-all.ts';

it('settles only when all have, then throws the first error', async () => {
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
