import { expect, it } from 'vitest';
import { mutate } from './mutations.ts';

it.each([1, 2, 3, 4])('the verifier refuses every changed proof that is wrong, seed %i', async (seed) => {
  const { changed, stillRight, acceptedWrong, refusedRight } = await mutate(seed);
  expect(acceptedWrong).toEqual([]);
  expect(refusedRight).toEqual([]);
  expect(changed).toBeGreaterThan(150);
  expect(stillRight).toBeLessThan(changed / 2);
});
