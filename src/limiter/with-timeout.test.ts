import { expect, it } from 'vitest';
import { withTimeout } from './with-timeout.ts';

const never = () => new Promise<string>(() => {});
const refuse = () => {
  throw new Error('late');
};

it.each([
  {
    title: 'returns a result that is in time',
    awaited: async () => 'in time',
    late: refuse,
    want: 'in time',
  },
  {
    title: 'throws the error of the awaited promise',
    awaited: () => Promise.reject(new Error('no')),
    late: refuse,
    want: 'no',
  },
  { title: 'returns the replacement on timeout', awaited: never, late: () => 'late', want: 'late' },
  { title: 'throws on timeout', awaited: never, late: refuse, want: 'late' },
])('$title', async ({ awaited, late, want }) => {
  const got = await withTimeout<string>(1, awaited(), late).catch((error: Error) => error.message);
  expect(got).toBe(want);
});
