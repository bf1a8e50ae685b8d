import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import type { HistoryRecord, Operation } from '../../../src/history/records/operation.ts';

/** The first line of a certificate. */
export const HEAD: CertificateRecord = {
  ...({ type: 'certificate', format: 'openclaw-certificate', version: 1 } as const),
  ...{ promise: { type: 'token-bucket' }, declaresFalseDenials: false, ratePpm: 1_000 },
};

/** Convictions that a forger may write: any admissions of a window, and any denial. */
export function forge(records: readonly HistoryRecord[], seed: number): CertificateRecord[] {
  const random = makeRandom(seed, 'forged');
  const operations = records.filter((record) => record.type === 'op');
  const buckets = [...new Set(operations.map(({ bucket }) => bucket))];
  return buckets.flatMap((bucket): CertificateRecord[] => {
    const own = operations.filter((operation) => operation.bucket === bucket);
    const numbers = own.map((_, number) => number);
    const allowed = numbers.filter((number) => own[number]?.outcome === 'allowed');
    const denied = numbers.filter((number) => own[number]?.outcome === 'denied');
    const first = Math.floor(random() * allowed.length);
    const some = allowed.slice(first, first + 1 + Math.floor(random() * 60));
    const denial = denied[Math.floor(random() * denied.length)];
    return [
      { type: 'excess', bucket, fromUs: 1e12, untilUs: 0, operations: some },
      ...(denial === undefined ? [] : [{ type: 'denial', bucket, operation: denial } as const]),
    ];
  });
}

/** A row of a bucket as a certificate counts it. */
type Row = readonly [bucket: string, outcome: string];

/** The rows of an operation: its own, then those of the steps of a reservation. */
function rowsOf({ bucket, outcome, extended = [], settled, expiresUs }: Operation): Row[] {
  const steps = [
    ...extended.map((step) => step.outcome),
    ...(settled ? ['back'] : []),
    ...(expiresUs ? ['back'] : []),
  ];
  const own = outcome === 'info' && settled?.outcome === 'allowed' ? 'allowed' : outcome;
  const isHeld = outcome === 'allowed' || outcome === 'info';
  return [own, ...(isHeld ? steps : [])].map((what) => [bucket, what]);
}

/** Of each bucket a denial, and admissions that end close to each other; none of those whose excess is `mayBe`. */
export function forgeEach(
  records: readonly HistoryRecord[],
  random: Random,
  mayBe: (bucket: string) => boolean = () => false,
): CertificateRecord[] {
  const byBucket = new Map<string, string[]>();
  for (const [bucket, outcome] of records.flatMap((record) => (record.type === 'op' ? rowsOf(record) : [])))
    byBucket.set(bucket, [...(byBucket.get(bucket) ?? []), outcome]);
  return [...byBucket].flatMap(([bucket, outcomes]): CertificateRecord[] => {
    const having = (wanted: string) => [...outcomes.keys()].filter((row) => outcomes[row] === wanted);
    const [allowed, denied] = [having('allowed'), having('denied')];
    const first = Math.floor(random() * allowed.length);
    const operations = allowed.slice(first, first + 2 + Math.floor(random() * allowed.length));
    const operation = denied[Math.floor(random() * denied.length)];
    return [
      ...(operations.length === 0 || mayBe(bucket)
        ? []
        : [{ type: 'excess', bucket, fromUs: 0, untilUs: 0, operations } as const]),
      ...(operation === undefined ? [] : [{ type: 'denial', bucket, operation } as const]),
    ];
  });
}
