import { expect, it } from 'vitest';
import { OpenclawError } from '../../src/core/errors.ts';
import { parsePolicy } from '../../src/core/policy.ts';
import { Borrower } from '../../src/limiter/strategies/lease/borrower.ts';
import type { HomeClient } from '../../src/limiter/strategies/lease/home-client.ts';
import type { Request } from '../../src/limiter/strategies/lease/protocol.ts';
import { systemTime } from '../../src/limiter/system-surroundings.ts';

const POLICY = parsePolicy('20:5/s');
/** Long, so that no window ends within a test. */
const LEASE_US = 400_000_000;

interface Moved {
  error: OpenclawError | undefined;
  requests: number;
}

/** A home that lends all that is wanted, and keeps the requests by user; it refuses users whose name begins with `no`. */
function startBorrower(moved?: Moved) {
  const requests = new Map<string, Request[]>();
  const home: HomeClient = {
    keyOf: ({ user, endpoint }) => `${user}:${endpoint}`,
    async request({ user }, request) {
      requests.set(user, [...(requests.get(user) ?? []), request]);
      if (user.startsWith('no')) throw new Error('no reply');
      if (moved !== undefined) moved.requests++;
      if (moved?.error !== undefined) throw moved.error;
      const { holder, lease, seq, want, sentAtUs } = request;
      const isShort = user.startsWith('short');
      const reply = { holder, lease, seq, sentAtUs, borrowers: 1, atUs: 0 };
      const granted = isShort ? 0 : want;
      return {
        node: 'n',
        reply: { ...reply, granted, account: granted > 0 ? 'open' : 'ended', levelQuanta: 0 },
      };
    },
    look: async () => ({ levelQuanta: 0, atUs: 0, node: 'n' }),
    ready: async () => {},
    close: async () => {},
  };
  const termsOf = () => ({ policy: POLICY, leaseUs: LEASE_US, marginUs: 1_000 });
  const borrower = new Borrower({
    strategy: 'lease',
    home,
    termsOf,
    holder: 7,
    leaseUs: LEASE_US,
    time: systemTime,
  });
  const take = (user: string, costTokens = 1) => borrower.take({ user, endpoint: 'e' }, POLICY, costTokens);
  return { borrower, requests, take };
}

const users = (count: number, name = 'u') => Array.from({ length: count }, (_, at) => `${name}${at}`);

it('borrows ahead for the first users, and only the cost once a hundred came who did not come again', async () => {
  const { borrower, requests, take } = startBorrower();
  for (const user of users(300)) expect((await take(user, 2)).allowed).toBe(true);
  const wants = users(300).map((user) => requests.get(user)?.map(({ want }) => want));
  expect(wants.slice(0, 99)).toEqual(users(99).map(() => [5]));
  expect(wants.slice(101)).toEqual(users(199).map(() => [2]));
  await borrower.close();
  // Those for whom it borrowed ahead return the rest; the others have nothing left, and no bucket.
  expect(requests.get('u0')).toHaveLength(2);
  expect(requests.get('u299')).toHaveLength(1);
});

it('borrows ahead for a user who comes again, by another lease', async () => {
  const { borrower, requests, take } = startBorrower();
  for (const user of users(200)) await take(user);
  for (const time of [1, 2, 3]) expect((await take('u199')).allowed, `take ${time}`).toBe(true);
  expect(requests.get('u199')?.map(({ want, lease }) => [want, lease])).toEqual([
    [1, expect.any(Number)],
    [5, expect.any(Number)],
  ]);
  const names = requests.get('u199')?.map(({ holder, lease }) => `${holder} ${lease}`);
  expect(new Set(names).size).toBe(2);
  await borrower.close();
});

it('rejects a first take that waits while the limiter is closed, and returns what was lent', async () => {
  const { borrower, requests, take } = startBorrower();
  for (const user of users(200)) await take(user);
  const waiting = take('waiting', 2);
  const closed = borrower.close();
  await expect(waiting).rejects.toMatchObject({ code: 'LIMITER_CLOSED' });
  await closed;
  expect(requests.get('waiting')?.map(({ returned }) => returned)).toEqual([0, 2]);
});

it('denies a first take that home is short of, and rejects one without a reply', async () => {
  const { borrower, take } = startBorrower();
  for (const user of users(200)) await take(user);
  const denied = await take('short', 3);
  expect(denied).toMatchObject({
    allowed: false,
    remainingTokens: 0,
    evidence: { source: 'lease', node: 'n' },
  });
  expect(denied.retryAfterUs).toBeGreaterThan(0);
  await expect(take('no-reply')).rejects.toMatchObject({ code: 'NO_LEASE' });
  await borrower.close();
  await expect(take('late')).rejects.toMatchObject({ code: 'LIMITER_CLOSED' });
});

it.each(['BUCKET_MOVED', 'BUCKET_MOVING'] as const)('asks the new home at once after %s', async (code) => {
  const moved: Moved = { error: new OpenclawError(code, 'move 1'), requests: 0 };
  const { borrower, take } = startBorrower(moved);
  for (let i = 0; i < 2; i++) await expect(take('moved')).rejects.toMatchObject({ code });
  expect(moved.requests).toBe(2);
  moved.error = undefined;
  expect((await take('moved')).allowed).toBe(true);
  await borrower.close();
});
