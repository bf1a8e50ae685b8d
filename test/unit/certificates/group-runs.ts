import { certificateRecords } from '../../../src/checker/certificates/certificate-lines.ts';
import { examineHistory } from '../../../src/checker/check.ts';
import { type Bucket, fullBucket, takeAll } from '../../../src/core/bucket.ts';
import { parsePolicy } from '../../../src/core/policy.ts';
import { makeRandom } from '../../../src/core/prng.ts';
import type { HistoryRecord } from '../../../src/history/records/operation.ts';
import { headerOf, historyOf, type OperationPart, operationOf } from '../../support/history.ts';
import { verify } from './verified.ts';

const POLICIES = { user: '5:5/s', all: '20:12/s', hour: '60:1/s' };
type PolicyName = keyof typeof POLICIES;

export interface GroupRun {
  readonly seed: number;
  readonly count: number;
  readonly widthUs: number;
  /** Which buckets each user's decisions charge, besides his own. */
  readonly shared: 'one of all users' | 'one of his own';
  /** What the limiter does wrong. */
  readonly bug?: 'charges denied decisions' | 'asks one bucket only';
}

/** A history of a limiter whose decisions charge two buckets each, all or nothing. */
export function runGroups({ seed, count, widthUs, shared, bug }: GroupRun): readonly HistoryRecord[] {
  const random = makeRandom(seed, 'groups');
  const buckets = new Map<string, Bucket>();
  const parts: OperationPart[] = [];
  let atUs = 1_000_000;
  for (let number = 0; number < count; number++) {
    atUs += Math.floor(random() * random() * 200_000);
    const user = `u${Math.floor(random() * 5)}`;
    const [second, policy]: [string, PolicyName] =
      shared === 'one of his own' ? [user, 'hour'] : ['all', 'all'];
    const named: readonly { readonly bucket: string; readonly policy: PolicyName }[] = [
      { bucket: user, policy: 'user' },
      { bucket: second, policy },
    ];
    const charges = named.map((name) => ({ ...name, cost: 1 + Math.floor(random() * 2) }));
    const keyOf = (name: { bucket: string; policy: string }) => `${name.bucket} ${name.policy}`;
    const taken = charges.map(({ cost: costTokens, ...name }) => {
      const own = parsePolicy(POLICIES[name.policy]);
      return { policy: own, bucket: buckets.get(keyOf(name)) ?? fullBucket(own, atUs), costTokens };
    });
    const asked = bug === 'asks one bucket only' ? taken.slice(0, 1) : taken;
    const { allowed, taken: after } = takeAll(asked, atUs);
    if (allowed)
      for (const [at, name] of charges.entries()) if (after[at]) buckets.set(keyOf(name), after[at].bucket);
    if (!allowed && bug === 'charges denied decisions')
      for (const [at, name] of charges.entries()) {
        const [only] = taken.slice(at, at + 1);
        const one = only && takeAll([only], atUs);
        if (one?.allowed && one.taken[0]) buckets.set(keyOf(name), one.taken[0].bucket);
      }
    const isLost = random() < (seed % 3) * 0.01;
    parts.push({
      ...{ bucket: '', cost: 0, charges },
      invokedUs: atUs - Math.floor(random() * random() * widthUs),
      completedUs: isLost ? null : atUs + Math.floor(random() * random() * widthUs),
      outcome: isLost ? 'info' : allowed ? 'allowed' : 'denied',
    });
  }
  const policies = Object.fromEntries(
    Object.entries(POLICIES).map(([name, text]) => {
      const { capacityTokens: capacity, refill } = parsePolicy(text);
      return [name, { capacity, refill }];
    }),
  );
  return [
    { ...headerOf('20:5/s', { clocks: 'one' }), policies },
    ...parts.map((part, index) => operationOf(index, part)),
    { type: 'end', atUs, sent: count },
  ];
}

/** Judges a history, and verifies its certificate. */
export async function certifyGroups(records: readonly HistoryRecord[]) {
  const [header] = records.filter((record) => record.type === 'header');
  const history = historyOf(
    records.filter((record) => record.type === 'op'),
    {
      ...(header && { header }),
      records: records.filter(({ type }) => type === 'event'),
    },
  );
  const examination = examineHistory(history, { busiest: [], contestedAtLeast: 0, infoAtMost: 1 });
  const certificate = [...certificateRecords(history.operations, examination)];
  return { ...examination, table: history.operations, certificate, ...(await verify(records, certificate)) };
}
