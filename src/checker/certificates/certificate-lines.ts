import { type Promised, parsePromise } from '../../core/promise.ts';
import { reservesOfSeveral } from '../../history/columns/reservation-rows.ts';
import type { OperationTable } from '../../history/columns/table.ts';
import type { BucketResult } from '../bucket-result.ts';
import type { Examination } from '../check.ts';
import type { ClockBounds } from '../clocks/bounds.ts';
import { MAX_SLEW_PPM } from '../clocks/grant.ts';
import { EdfTimeline } from '../proofs/edf-timeline.ts';
import { RefundSums } from '../proofs/refund.ts';
import { findWorstWindow } from '../proofs/worst-window.ts';
import { BucketRows } from '../rows/bucket-rows.ts';
import { type FoundProof, type ProofCounts, STATE } from './certificates.ts';
import type { ClockOffsets, DecidingClock } from './deciding-clock.ts';
import { ProofCodes } from './proof-codes.ts';

/** How a certificate names a bucket: its text in the history, and its policy if that has a name. */
interface BucketName {
  readonly bucket: string;
  readonly policy?: string;
}

interface ProofFields {
  readonly proves: 'all' | 'admissions';
  readonly clock: number;
  readonly start?: readonly [level: number, capacity: number];
  readonly order: readonly number[];
  readonly momentsUs: readonly number[];
}

/** The last record: how many buckets have which proof. */
export interface CertificateEnd extends Omit<ProofCounts, 'whyNone'> {
  readonly buckets: number;
}

/**
 * The records of a certificate. An operation is its number among those of its bucket, in the order of the history's files
 * and lines.
 *
 * A proof is an order to which an ideal bucket gives the recorded answers: in `order`, an operation is twice its number,
 * plus one for a charge beyond its cost; resets follow all operations. `order` and `momentsUs`, of the proof's clock, have
 * their first value and then differences. `start`: the level before the first operation, and the capacity, in one unit;
 * absent: full.
 *
 * An excess lists admissions wholly inside one window; a denial is false at every moment of its interval. A replay is a
 * level that the math does not give.
 */
export type CertificateRecord =
  | {
      readonly type: 'certificate';
      readonly format: 'openclaw-certificate';
      readonly version: 1;
      /** What the limiter promises. */
      readonly promise: Promised;
      /** Whether the strategy declares any number of false denials: then proofs leave denials out. */
      readonly declaresFalseDenials: boolean;
      /** The most by which two clocks may drift apart. Parts per million. */
      readonly ratePpm: number;
      /** Whether the history is of a simulation. Absent: of a system. */
      readonly simulated?: true;
    }
  | ({
      readonly type: 'clock';
      readonly clock: number;
      readonly nodes: readonly string[];
    } & ClockOffsets)
  | ({ readonly type: 'proof' } & ProofFields & BucketName)
  | ({ readonly type: 'group'; readonly members: readonly BucketName[] } & ProofFields)
  | ({
      readonly type: 'excess';
      readonly fromUs: number;
      readonly untilUs: number;
      readonly operations: readonly number[];
    } & BucketName)
  | ({ readonly type: 'denial'; readonly operation: number } & BucketName)
  | ({ readonly type: 'replay'; readonly operation: number } & BucketName)
  | ({ readonly type: 'end' } & CertificateEnd);

/** The records of the certificate of an examined history, in their order. */
export function* certificateRecords(
  table: OperationTable,
  { withFindings, certificates, judged, report: { clock, promise, simulated } }: Examination,
): Generator<CertificateRecord> {
  yield {
    ...({ type: 'certificate', format: 'openclaw-certificate', version: 1, ratePpm: MAX_SLEW_PPM } as const),
    promise: parsePromise(promise),
    declaresFalseDenials: certificates.declaresDenials,
    ...(simulated && { simulated }),
  };
  const clocks = new Map<DecidingClock, number>();
  const numberOf = (one: DecidingClock) => clocks.get(one) ?? clocks.set(one, clocks.size).size - 1;
  const rows = new BucketRows(judged.operations);
  const results = new Map(withFindings.map((result) => [result.bucket, result]));
  for (let bucket = 0; bucket < table.bucketCount; bucket++) {
    const state = certificates.stateOf(bucket);
    const result = results.get(bucket);
    rows.load(bucket);
    const hasRecord = promise === 'token-bucket' && !reservesOfSeveral(table, bucket); // the verifier looks at no others
    const isAccused = state === STATE.convicted && hasRecord;
    if (isAccused && result !== undefined) yield* accusations(rows, result, clock);
    const isProved = state === STATE.proved || state === STATE.admissionsProved;
    const found = isProved ? certificates.find(rows) : undefined;
    if (found === undefined) continue;
    const deciding = found.clock;
    if (!clocks.has(deciding))
      yield { type: 'clock', clock: numberOf(deciding), nodes: deciding.nodes, ...deciding.offsets };
    yield proofRecord(table, found, numberOf(deciding));
  }
  const { whyNone: _, ...counts } = certificates.counts;
  yield { type: 'end', buckets: table.bucketCount, ...counts };
}

function proofRecord(
  table: OperationTable,
  { state, buckets, resets, proof, fullQuanta }: FoundProof,
  clock: number,
): CertificateRecord {
  const codes = new ProofCodes(table, buckets, resets);
  const { firstQuanta = fullQuanta } = proof;
  const [order, momentsUs]: [number[], number[]] = [[], []];
  let [lastCode, lastUs] = [0, 0];
  const add = (code: number, us: number) => {
    order.push(code - lastCode);
    momentsUs.push(us - lastUs);
    [lastCode, lastUs] = [code, us];
  };
  proof.replay({ place: (row, us) => add(codes.of(row), us), begin: (us) => add(codes.window, us) });
  const [name, ...others] = buckets.map((bucket) => nameOf(table, bucket)) as [BucketName, ...BucketName[]];
  return {
    ...(others.length === 0
      ? ({ type: 'proof', ...name } as const)
      : ({ type: 'group', members: [name, ...others] } as const)),
    proves: state === STATE.proved ? 'all' : 'admissions',
    clock,
    ...(firstQuanta !== fullQuanta && { start: [firstQuanta, fullQuanta] as const }),
    order,
    momentsUs,
  };
}

/** What convicts a bucket: of each kind the first violation. */
function* accusations(
  rows: BucketRows,
  { over, denials, replay, refunds }: BucketResult,
  clock: ClockBounds,
): Generator<CertificateRecord> {
  const { table, bucket } = rows;
  const name = nameOf(table, bucket);
  const codes = new ProofCodes(table, [bucket]);
  const numberOf = (row: number) => codes.of(row) / 2;
  if (over.drops.length > 0) {
    const machine = new EdfTimeline(table.policyOf(bucket), clock);
    const worst = findWorstWindow(rows, machine, RefundSums.of(refunds));
    const window = worst ?? findWorstWindow(rows, machine); // the largest excess: the verifier grants more to clocks
    if (window !== undefined)
      yield {
        ...{ type: 'excess', ...name, fromUs: window.startUs, untilUs: window.endUs },
        operations: [...window.rows].map(numberOf),
      };
  }
  let denial = denials.first; // the one with the highest level: the verifier grants more to clocks
  for (const one of denials) if (one.lowestQuanta > (denial?.lowestQuanta ?? 0)) denial = one;
  if (denial !== undefined) yield { type: 'denial', ...name, operation: numberOf(denial.row) };
  const [mismatch] = replay.findings;
  if (mismatch !== undefined) yield { type: 'replay', ...name, operation: numberOf(mismatch.row) };
}

function nameOf(table: OperationTable, bucket: number): BucketName {
  const policy = table.policyNameOf(bucket);
  return { bucket: table.plainNameOf(bucket), ...(policy !== '' && { policy }) };
}
