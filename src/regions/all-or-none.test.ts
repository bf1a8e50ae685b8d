import { expect, it } from 'vitest';
import { allOrNone } from './all-or-none.ts';

it('tells the others to stop when one fails, waits for them, and throws what the one threw', async () => {
  const told: string[] = [];
  const waiting = (stop: AbortSignal) =>
    new Promise<never>((_, reject) =>
      stop.addEventListener('abort', () => {
        told.push('the other');
        reject(new Error('told to stop'));
      }),
    );
  const never = new AbortController().signal;
  const both = allOrNone(never, (stop) => [waiting(stop), Promise.reject(new Error('the one'))]);
  await expect(both).rejects.toThrow('the one');
  expect(told).toEqual(['the other']);
});
