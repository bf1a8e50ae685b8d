import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import type { Header, HistoryRecord, Operation } from '../../../src/history/records/operation.ts';

export type Proof = Extract<CertificateRecord, { readonly type: 'proof' }>;
type Clock = Extract<CertificateRecord, { readonly type: 'clock' }>;

/** One entry of a proof. `answer`: what the ideal bucket must say. */
interface Entry {
  readonly cost: number;
  readonly answer: 'allowed' | 'denied';
  readonly fromUs: number;
  readonly untilUs: number;
  readonly atUs: number;
  readonly id: string;
}

/**
 * Decides whether a proof of a small bucket is right, in another way than the verifier: the level before an operation is
 * the least over all earlier moments at which the bucket can have been full,
 *   min over i of C + r(t - t_i) - (what was taken from i on),
 * and the first level plus all refill minus all that was taken. Without decision ids, refunds and resets.
 */
export function isValid(
  proof: Proof,
  operations: readonly Operation[],
  { records, clocks }: { records: readonly HistoryRecord[]; clocks: readonly Clock[] },
): boolean {
  const header = records.find((record) => record.type === 'header') as Header;
  const { capacity = 0, refill = { tokens: 1, perUs: 1 } } = header.policy ?? {};
  const [full, perToken, perUs] = [capacity * refill.perUs, refill.perUs, refill.tokens];
  const start = proof.start === undefined ? full : Number(proof.start);
  if (start < 0 || start > full || (start !== full && header.initial === 'full')) return false;
  const clock = clocks.find((one) => one.clock === proof.clock);
  if (clock === undefined || proof.order.length !== proof.momentsUs.length) return false;
  const offsetUs = clock.points[0]?.[1] ?? 0; // these clocks do not drift
  const entries = entriesOf(proof, operations, offsetUs);
  if (entries === undefined || new Set(entries.map(({ id }) => id)).size < entries.length) return false;
  const taken = (from: number, to: number) =>
    entries
      .slice(from, to)
      .reduce((sum, { answer, cost }) => sum + (answer === 'allowed' ? cost * perToken : 0), 0);
  for (const [at, { atUs, fromUs, untilUs, answer, cost }] of entries.entries()) {
    const since = (number: number) => perUs * (atUs - (entries[number]?.atUs ?? 0));
    if (atUs < (entries[at - 1]?.atUs ?? atUs) || atUs < fromUs || atUs > untilUs) return false;
    const levels = entries.slice(0, at + 1).map((_, number) => full + since(number) - taken(number, at));
    const level = Math.min(start + since(0) - taken(0, at), ...levels);
    if (level >= cost * perToken !== (answer === 'allowed')) return false;
  }
  const ids = new Set(entries.map(({ id }) => id));
  return operations.every(
    ({ outcome }, number) =>
      !(outcome === 'allowed' || (outcome === 'denied' && proof.proves === 'all')) || ids.has(`${number}`),
  );
}

/** The entries of a proof; undefined if one names no operation that may be charged. */
function entriesOf(
  { order, momentsUs }: Proof,
  operations: readonly Operation[],
  offsetUs: number,
): Entry[] | undefined {
  const entries: Entry[] = [];
  let [code, atUs] = [0, 0];
  for (const [at, step] of order.entries()) {
    code += step;
    atUs += momentsUs[at] as number;
    const number = Math.floor(code / 2);
    const operation = operations[number];
    if (operation === undefined || code < 0) return undefined;
    const { outcome, cost, invokedUs, completedUs, maxCharge, latestUs } = operation;
    const isSurplus = code % 2 === 1;
    const surplus = (maxCharge ?? 0) - (outcome === 'denied' ? 0 : cost);
    if (isSurplus ? maxCharge === undefined || surplus <= 0 : outcome === 'failed') return undefined;
    const last = isSurplus || outcome === 'info' ? latestUs : completedUs;
    entries.push({
      cost: isSurplus ? surplus : cost,
      answer: outcome === 'denied' && !isSurplus ? 'denied' : 'allowed',
      fromUs: offsetUs + invokedUs,
      untilUs: last === undefined || last === null ? Number.POSITIVE_INFINITY : offsetUs + last,
      atUs,
      id: isSurplus ? `${number}+` : `${number}`,
    });
  }
  return entries;
}
