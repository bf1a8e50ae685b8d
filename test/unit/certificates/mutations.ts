import {
  type CertificateRecord,
  certificateRecords,
} from '../../../src/checker/certificates/certificate-lines.ts';
import { examineHistory } from '../../../src/checker/check.ts';
import { fullBucket, take } from '../../../src/core/bucket.ts';
import { parsePolicy } from '../../../src/core/policy.ts';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import { HistoryBuilder } from '../../../src/history/columns/builder.ts';
import type { HistoryRecord, Operation } from '../../../src/history/records/operation.ts';
import { isValid, type Proof } from './slow-check.ts';
import { verify } from './verified.ts';

const MOST_OPERATIONS = 12;
const BUCKETS = 500;
const OFFSET_US = 1_795_000_000_000_000;
const POLICIES = ['1:1/100us', '3:1/50us', '5:3/100us', '2:1/1ms'];

/** How many proofs were changed, how many of the changed ones are still right, and the verifier's mistakes. */
export interface Mutated {
  readonly changed: number;
  readonly stillRight: number;
  readonly acceptedWrong: readonly string[];
  readonly refusedRight: readonly string[];
}

/** Changes one thing in every proof of many small buckets, and compares the verifier with the slow check. */
export async function mutate(seed: number): Promise<Mutated> {
  const random = makeRandom(seed, 'mutations');
  const records = drawHistory(random);
  const operations = records.filter((record) => record.type === 'op');
  const certificate = certify(records);
  const changed = certificate
    .filter((record) => record.type !== 'proof' || record.order.length > 0)
    .map((record) => (record.type === 'proof' ? change(record, random) : record));
  const { refused } = await verify(records, changed);
  const proofs = changed.filter((record) => record.type === 'proof');
  const clocks = certificate.filter((record) => record.type === 'clock');
  const context = { records, clocks };
  const right = new Set(
    proofs
      .filter((proof) =>
        isValid(
          proof,
          operations.filter(({ bucket }) => bucket === proof.bucket),
          context,
        ),
      )
      .map(({ bucket }) => bucket),
  );
  const show = ({ bucket }: Proof) =>
    JSON.stringify({
      seed,
      reason: refused.get(bucket),
      proof: proofs.find((proof) => proof.bucket === bucket),
      operations: operations.filter((operation) => operation.bucket === bucket),
    });
  return {
    changed: proofs.length,
    stillRight: right.size,
    acceptedWrong: proofs.filter(({ bucket }) => !right.has(bucket) && !refused.has(bucket)).map(show),
    refusedRight: proofs.filter(({ bucket }) => right.has(bucket) && refused.has(bucket)).map(show),
  };
}

function certify(records: readonly HistoryRecord[]): CertificateRecord[] {
  const builder = new HistoryBuilder();
  builder.startFile('small');
  for (const record of records) builder.add(record);
  builder.endFile();
  const history = builder.build();
  const rules = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
  return [...certificateRecords(history.operations, examineHistory(history, rules))];
}

/** One run of many small buckets of an ideal limiter. */
function drawHistory(random: Random): HistoryRecord[] {
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const policy = parsePolicy(pick(POLICIES));
  const isRead = random() < 0.5;
  const isUnknown = random() < 0.3;
  const fillUs = policy.quantaPerToken / policy.quantaPerUs;
  const operations = Array.from({ length: BUCKETS }, (_, bucket) => {
    let state = fullBucket(policy, 0);
    let nowUs = 1_000;
    const draw = (): Operation => {
      nowUs += Math.floor(random() * fillUs * pick([0.2, 1, 3]));
      const costTokens = 1 + Math.floor(random() * Math.min(2, policy.capacityTokens));
      const taken = take(state, policy, { costTokens, nowUs });
      const isLost = random() < 0.1;
      if (!isLost || random() < 0.5) state = taken.bucket;
      const { allowed, levelQuanta, bucketUs } = taken.result;
      const serverUs = OFFSET_US + bucketUs;
      const evidence = {
        strategy: 'central',
        node: 'n',
        source: 'redis',
        atUs: serverUs,
        bucketUs: serverUs,
      } as const;
      return {
        ...{ type: 'op', index: 0, bucket: `b${bucket}`, user: '', region: '', process: 0, cost: costTokens },
        invokedUs: nowUs - Math.floor(random() * fillUs * pick([0, 0.1, 2])),
        completedUs: isLost ? null : nowUs + Math.floor(random() * fillUs * pick([0, 0.1, 2])),
        outcome: isLost ? 'info' : allowed ? 'allowed' : 'denied',
        ...(isRead && !isLost && random() < 0.8 && { decision: { ...evidence, levelQuanta } }),
        ...(random() < 0.1 && !isLost && { maxCharge: 2 * costTokens, latestUs: nowUs + 10 }),
      };
    };
    return Array.from({ length: 1 + Math.floor(random() * MOST_OPERATIONS) }, draw);
  }).flat();
  return [
    {
      ...{
        type: 'header',
        format: 'openclaw-history',
        version: 1,
        strategy: 'central',
        scenario: '',
        seed: 0,
      },
      policy: { capacity: policy.capacityTokens, refill: policy.refill },
      ...{ regions: [], startedAt: '', initial: isUnknown ? 'unknown' : 'full', clocks: 'one' },
    },
    ...operations.map((operation, index) => ({ ...operation, index })),
    ...(isRead
      ? [0, 20_000].map((atUs) => ({
          ...({ type: 'clock', node: 'n' } as const),
          ...{ atUs, serverUs: OFFSET_US + atUs, errorUs: 3 },
        }))
      : []),
    { type: 'end', atUs: 0, sent: operations.length },
  ];
}

/** One random change of a proof. */
function change(proof: Proof, random: Random): Proof {
  const below = (count: number) => Math.floor(random() * count);
  const codes = sums(proof.order);
  const moments = sums(proof.momentsUs);
  const at = below(codes.length);
  const other = below(codes.length);
  const step = (1 + below(3) * below(40)) * (random() < 0.5 ? -1 : 1);
  const changes: readonly (() => Partial<Proof>)[] = [
    () => listed(swapped(codes, at, other), moments),
    () => listed(codes, moments.with(at, (moments[at] as number) + step)),
    () => listed(codes.toSpliced(at, 1), moments.toSpliced(at, 1)),
    () =>
      listed(codes.toSpliced(at, 0, codes[other] as number), moments.toSpliced(at, 0, moments[at] as number)),
    () => listed(codes.with(at, below(2 * MOST_OPERATIONS)), moments),
    () => listed(codes.with(at, (codes[at] as number) ^ 1), moments),
    () =>
      listed(
        codes,
        moments.map((us) => us + step),
      ),
    () => ({ start: String(below(1_000)) }),
    () => ({ proves: 'admissions' }),
    () => ({ clock: 1 - proof.clock }),
    () => listed(codes.toReversed(), moments),
  ];
  const changed = (changes[below(changes.length)] as () => Partial<Proof>)();
  return { ...proof, ...changed };
}

function swapped(codes: readonly number[], at: number, other: number): number[] {
  return codes.with(at, codes[other] as number).with(other, codes[at] as number);
}

function listed(codes: readonly number[], moments: readonly number[]): Pick<Proof, 'order' | 'momentsUs'> {
  return { order: differences(codes), momentsUs: differences(moments) };
}

function sums(steps: readonly number[]): number[] {
  let sum = 0;
  return steps.map((step) => {
    sum += step;
    return sum;
  });
}

function differences(values: readonly number[]): number[] {
  return values.map((value, at) => value - (values[at - 1] ?? 0));
}
