import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import type { ClockReading, Header, HistoryRecord } from '../../../src/history/records/operation.ts';
import type { PartFiles } from './part-runs.ts';
import { isConstant, isSlow, makeSlowCheck, type Points, type Proof, shown } from './slow-check.ts';

type PartClock = Extract<CertificateRecord, { readonly type: 'clock'; readonly offsets: unknown }>;

/**
 * Which proofs of a run in parts are right, found in another way than the verifier: all records are put on the clock of the
 * proof, and judged as one history of one recorder.
 */
export function rightProofsOfParts(files: PartFiles, certificate: readonly CertificateRecord[]): Proof[] {
  const clocks = certificate.filter((record): record is PartClock => 'offsets' in record);
  const proofs = certificate.filter((record): record is Proof => record.type === 'proof');
  return clocks
    .filter((clock) => isRight(files, clock))
    .flatMap((clock) => {
      const records = files.flatMap((file) => onClock(file, clock));
      const own = proofs.filter((proof) => proof.clock === clock.clock);
      const { nodes } = clock;
      const identity = { type: 'clock', clock: clock.clock, nodes, points: [[0, 0]] } as const;
      return makeSlowCheck(records).rightProofs([identity, ...own]);
    });
}

/** Whether all lines are slow, and every reading of its nodes and every ping is within its error of them. */
function isRight(files: PartFiles, { nodes, offsets }: PartClock): boolean {
  const machines = new Set(files.map((file) => (file[0] as Header).part?.machine as string));
  const readings = files.flatMap((file) =>
    file.flatMap((record) => (record.type === 'clock' ? [[machineOf(file), record] as const] : [])),
  );
  const [ping] = readings.filter(([, { source }]) => source === 'machine');
  const base = ping && offsets[ping[1].node];
  const isOwn = ({ node, source }: ClockReading) => source === 'machine' || nodes.includes(node);
  const needed = new Set([
    ...machines,
    ...readings.flatMap(([, { node, source }]) => (source === 'machine' ? [node] : [])),
  ]);
  return (
    [...needed].every((machine) => (offsets[machine]?.length ?? 0) > 0) &&
    Object.values(offsets).every((points) => points.length > 0 && isSlow(points)) &&
    (nodes.length > 0 || base?.every(([, us]) => us === 0) === true) &&
    (readings.some(([, { node, source }]) => source === undefined && nodes.includes(node)) ||
      (base !== undefined && isConstant(base))) &&
    readings
      .filter(([, reading]) => isOwn(reading))
      .every(([machine, { atUs, serverUs, errorUs, source, node }]) => {
        const own = shown(offsets[machine] as Points, Math.round(atUs));
        const other = source === 'machine' ? shown(offsets[node] as Points, serverUs) : serverUs;
        return Math.abs(own - other) <= errorUs + 1;
      })
  );
}

function machineOf([header]: readonly HistoryRecord[]): string {
  return (header as Header).part?.machine as string;
}

/** A file with its times as the clock shows them; a reading of a node is one that this clock gives. */
function onClock(file: readonly HistoryRecord[], { offsets }: PartClock): HistoryRecord[] {
  const show = (us: number) => shown(offsets[machineOf(file)] as Points, us);
  return file.flatMap((record): HistoryRecord[] => {
    if (record.type === 'event') return [{ ...record, atUs: show(record.atUs) }];
    if (record.type === 'clock')
      return record.source === undefined ? [{ ...record, atUs: record.serverUs, errorUs: 0 }] : [];
    if (record.type !== 'op') return [record];
    const { invokedUs, completedUs, latestUs } = record;
    return [
      {
        ...record,
        invokedUs: show(invokedUs),
        completedUs: completedUs === null ? null : show(completedUs),
        ...(latestUs !== undefined && { latestUs: show(latestUs) }),
      },
    ];
  });
}
