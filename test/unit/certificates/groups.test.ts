import { describe, expect, it } from 'vitest';
import { makeRandom } from '../../../src/core/prng.ts';
import type { HistoryRecord } from '../../../src/history/records/operation.ts';
import { headerOf, type OperationPart, operationOf } from '../../support/history.ts';
import { changeOrder } from './changed-order.ts';
import { certifyGroups, type GroupRun, runGroups } from './group-runs.ts';
import { type Group, isValidGroup } from './slow-groups.ts';
import { verify } from './verified.ts';

const SHARED: readonly GroupRun['shared'][] = ['one of all users', 'one of his own'];

describe.each(SHARED)('buckets whose decisions also charge %s', (shared) => {
  it.each([
    { widthUs: 1, least: 1 },
    { widthUs: 5_000, least: 0.8 },
  ])('are proved: intervals of $widthUs us', async ({ widthUs, least }) => {
    let [proved, all] = [0, 0];
    for (const seed of [3, 6, 9]) {
      const records = runGroups({ seed, count: 1_000, widthUs, shared });
      const { certificates, counts, refused } = await certifyGroups(records);
      expect({ seed, refused: [...refused], convicted: certificates.counts.convicted }).toEqual({
        ...{ seed, refused: [], convicted: 0 },
      });
      expect(counts.proved).toBe(certificates.counts.proved);
      proved += certificates.counts.proved;
      all += counts.buckets ?? 0;
    }
    expect(proved / all).toBeGreaterThanOrEqual(least);
  });

  it.each(['charges denied decisions', 'asks one bucket only'] as const)(
    'have no proof if the limiter %s',
    async (bug) => {
      let convicted = 0;
      for (const seed of [1, 2, 3]) {
        const records = runGroups({ seed, count: 1_000, widthUs: 1_000, shared, bug });
        const { withFindings, certificate, refused, table } = await certifyGroups(records);
        expect([...refused]).toEqual([]);
        const proved = certificate.flatMap((record) => (record.type === 'group' ? record.members : []));
        for (const { bucket, over, denials } of withFindings) {
          if (over.drops.length + denials.length === 0) continue;
          convicted++;
          const policy = table.policyNameOf(bucket);
          expect(proved).not.toContainEqual({ bucket: table.plainNameOf(bucket), policy });
        }
      }
      expect(convicted).toBeGreaterThanOrEqual(3);
    },
  );

  it('the verifier refuses changed proofs as a slow check does', async () => {
    const random = makeRandom(5, 'changed groups');
    const seen = { right: 0, wrong: 0 };
    for (let seed = 1; seed <= 4; seed++) {
      const records = runGroups({ seed, count: 40, widthUs: 20_000, shared });
      const operations = records.filter((record) => record.type === 'op');
      const [header = headerOf()] = records.filter((record) => record.type === 'header');
      const { certificate } = await certifyGroups(records);
      for (let change = 0; change < 8; change++) {
        const changed = certificate.map((record) =>
          record.type === 'group' ? changeOrder(record, random) : record,
        );
        const { refused } = await verify(records, changed);
        for (const group of changed.filter((record): record is Group => record.type === 'group')) {
          const isRight = isValidGroup(group, operations, header);
          const reason = refused.get(group.members[0]?.bucket ?? '');
          expect({ seed, change, isRight, reason }).toEqual({
            ...{ seed, change, isRight },
            reason: isRight ? undefined : expect.any(String),
          });
          seen[isRight ? 'right' : 'wrong']++;
        }
      }
    }
    expect(seen.right).toBeGreaterThan(3);
    expect(seen.wrong).toBeGreaterThan(15);
  });
});

const charge = (...costs: readonly (readonly [string, number])[]) =>
  costs.map(([bucket, cost]) => ({ bucket, cost }));
const recordsOf = (parts: readonly OperationPart[], more: readonly HistoryRecord[] = []): HistoryRecord[] => [
  headerOf('2:1/1s'),
  ...parts.map((part, at) => operationOf(at, { invokedUs: 10 * at, completedUs: 10 * at + 1, ...part })),
  ...more,
  { type: 'end', atUs: 1_000, sent: parts.length },
];

it.each([
  {
    title: 'one denied decision whose reason is the other bucket',
    parts: [
      { charges: charge(['a', 1], ['b', 2]) },
      { charges: charge(['a', 1], ['b', 1]), outcome: 'denied' as const },
      { charges: charge(['a', 1]) },
    ],
    want: { proved: 2 },
  },
  {
    title: 'a bucket that is charged twice',
    parts: [
      { charges: charge(['a', 1], ['a', 1], ['b', 1]) },
      { charges: charge(['a', 1], ['b', 1]), outcome: 'denied' as const },
    ],
    want: { proved: 2 },
  },
  {
    title: 'a refund of both buckets',
    parts: [
      { charges: charge(['a', 2], ['b', 2]) },
      { charges: charge(['a', -1], ['b', -1]) },
      { charges: charge(['a', 1], ['b', 1]) },
      { charges: charge(['a', 0], ['b', 1]), outcome: 'denied' as const },
    ],
    want: { proved: 2 },
  },
  {
    title: 'charges of one bucket, which is no group',
    parts: [{ charges: charge(['a', 2]) }, { charges: charge(['a', 1]), outcome: 'denied' as const }],
    want: { proved: 1 },
  },
  {
    title: 'a denial that no bucket explains',
    parts: [{ charges: charge(['a', 1], ['b', 1]), outcome: 'denied' as const }],
    want: { convicted: 2 },
  },
  {
    title: 'a chain of buckets, a bucket of its own, and another group',
    parts: [
      { charges: charge(['a', 1], ['b', 1]) },
      { charges: charge(['b', 1], ['c', 1]) },
      { charges: charge(['d', 1], ['e', 1]) },
      { bucket: 'f' },
      { bucket: 'c' },
      { bucket: 'c', outcome: 'denied' as const },
    ],
    want: { proved: 6 },
  },
])('$title', async ({ parts, want }) => {
  const { certificates, counts, refused } = await certifyGroups(recordsOf(parts));
  expect([...refused]).toEqual([]);
  expect(certificates.counts).toMatchObject(want);
  expect(counts).toMatchObject({ proved: certificates.counts.proved });
});

it('a reset of one bucket of a group', async () => {
  const parts = [
    { charges: charge(['a', 2], ['b', 1]) },
    { charges: charge(['a', 1], ['b', 1]), invokedUs: 50 },
  ];
  const reset: HistoryRecord = { type: 'event', event: 'reset', atUs: 20, args: { bucket: 'a' } };
  const { certificates, counts } = await certifyGroups(
    recordsOf(
      parts.map((part) => ({ ...part, completedUs: (part.invokedUs ?? 0) + 1 })),
      [reset],
    ),
  );
  expect([certificates.counts.proved, counts.proved]).toEqual([2, 2]);
});

it('a group that leaves out one of its buckets is refused', async () => {
  const records = recordsOf([{ charges: charge(['a', 1], ['b', 1], ['c', 1]) }]);
  const { certificate } = await certifyGroups(records);
  const changed = certificate.map((one) =>
    one.type === 'group' ? { ...one, members: one.members.slice(0, 2) } : one,
  );
  const { refused } = await verify(records, changed);
  expect(refused.get('a')).toBe('operation 0 charges another bucket, too');
});
