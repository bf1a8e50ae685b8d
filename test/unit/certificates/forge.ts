import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import { makeRandom } from '../../../src/core/prng.ts';
import type { HistoryRecord } from '../../../src/history/records/operation.ts';

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
