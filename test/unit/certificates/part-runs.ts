import { createHash } from 'node:crypto';
import {
  type CertificateRecord,
  certificateRecords,
} from '../../../src/checker/certificates/certificate-lines.ts';
import { examineHistory } from '../../../src/checker/check.ts';
import type { CheckOptions } from '../../../src/checker/check-options.ts';
import { makeRandom, type Random } from '../../../src/core/prng.ts';
import { HistoryBuilder } from '../../../src/history/columns/builder.ts';
import type { History } from '../../../src/history/history.ts';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type {
  ClockReading,
  Header,
  HistoryRecord,
  Operation,
} from '../../../src/history/records/operation.ts';
import { EPOCH_US, type Specimen } from '../planted/limiter.ts';
import { runSpecimen } from '../planted/run.ts';

/** The records of the parts of a run, by file. */
export type PartFiles = readonly (readonly HistoryRecord[])[];

/** A machine's monotonic clock, which drifts otherwise in the second half of the run. */
interface Machine {
  readonly name: string;
  show(us: number): number;
}

/** What a run is like of which the parts are made. Moments are true ones. */
export interface Undivided {
  readonly records: readonly HistoryRecord[];
  readonly nodes: readonly string[];
  /** What the clock of a node shows. */
  show(us: number, node: string): number;
  /** The most by which a machine's clock is faster or slower. Default: 200. */
  readonly driftPpm?: number;
  /** The most that a reading is on its way, in each direction. Default: 500. */
  readonly delayUs?: number;
}

const READINGS = 60;
const BASE = 'machine-of-the-clock';

/** Gives every operation some time on its way to the limiter and back. */
export function withDelays(records: readonly HistoryRecord[], seed: number): HistoryRecord[] {
  const random = makeRandom(seed, 'delays');
  const delayUs = () => 50 + Math.floor(random() * 400);
  return records.map((record) => {
    if (record.type !== 'op') return record;
    const { invokedUs, completedUs } = record;
    return {
      ...record,
      invokedUs: invokedUs - delayUs(),
      completedUs: completedUs === null ? null : completedUs + delayUs(),
    };
  });
}

/** The same run, recorded by one process a region, each on a machine of its own, with readings of nodes and of the base. */
export function inParts(
  { records, nodes, show, driftPpm = 200, delayUs = 500 }: Undivided,
  seed: number,
): PartFiles {
  const random = makeRandom(seed, 'parts');
  const operations = records.filter((record) => record.type === 'op');
  const events = records.filter((record) => record.type === 'event');
  const header = records.find((record) => record.type === 'header') as Header;
  const regions = [...new Set(operations.map(({ region }) => region))].sort();
  const times = operations.flatMap(({ invokedUs, completedUs }) => [invokedUs, completedUs ?? invokedUs]);
  const [fromUs, untilUs] = [least(times) - 2_000_000, -least(times.map((us) => -us)) + 2_000_000];
  const base = drawMachine(random, BASE, { fromUs, untilUs, driftPpm });
  return regions.map((region, number) => {
    const machine =
      number > 0 && random() < 0.2
        ? base
        : drawMachine(random, `machine-${region}`, { fromUs, untilUs, driftPpm });
    const part = { run: 'run', plan: 'f'.repeat(64), name: region, of: regions, machine: machine.name };
    const own = operations.filter((operation) => operation.region === region);
    const readings = Array.from({ length: READINGS }, (_, at) => {
      const us = fromUs + ((untilUs - fromUs) * at) / (READINGS - 1);
      const read = (node: string, shownUs: number) =>
        readingOf(random, machine, { us, node, shownUs, delayUs });
      return [
        { ...read(base.name, base.show(us)), source: 'machine' as const },
        ...nodes.map((node) => read(node, show(us, node))),
      ];
    }).flat();
    return complete([
      { ...header, part },
      ...own.map((operation, index) => ({ ...onMachine(operation, machine), index })),
      ...(number > 0
        ? []
        : events.map((event) => ({ ...event, atUs: Math.floor(machine.show(event.atUs)) }))),
      ...readings,
      { type: 'end', atUs: Math.ceil(machine.show(untilUs)), sent: own.length },
    ]);
  });
}

function drawMachine(
  random: Random,
  name: string,
  { fromUs, untilUs, driftPpm }: { fromUs: number; untilUs: number; driftPpm: number },
) {
  const startUs = Math.floor(random() * 1e11) - fromUs;
  const ppm = () => (2 * random() - 1) * driftPpm;
  const [early, late] = [ppm(), ppm()];
  const halfUs = (fromUs + untilUs) / 2;
  return {
    name,
    show(us: number) {
      const [earlyUs, lateUs] = [Math.min(us, halfUs) - fromUs, Math.max(0, us - halfUs)];
      return startUs + us + (earlyUs * early + lateUs * late) / 1_000_000;
    },
  };
}

function readingOf(
  random: Random,
  machine: Machine,
  reading: { readonly us: number; readonly node: string; readonly shownUs: number; readonly delayUs: number },
): ClockReading {
  const { us, node, shownUs, delayUs } = reading;
  const drawUs = () => 20 + Math.floor(random() * random() * delayUs);
  const [sentUs, receivedUs] = [
    Math.floor(machine.show(us - drawUs())),
    Math.ceil(machine.show(us + drawUs())),
  ];
  const [atUs, errorUs] = [(sentUs + receivedUs) / 2, (receivedUs - sentUs) / 2];
  return { type: 'clock', node, atUs, serverUs: Math.floor(shownUs), errorUs };
}

function onMachine(operation: Operation, { show }: Machine): Operation {
  const { invokedUs, completedUs, latestUs } = operation;
  return {
    ...operation,
    invokedUs: Math.floor(show(invokedUs)),
    completedUs: completedUs === null ? null : Math.ceil(show(completedUs)),
    ...(latestUs !== undefined && { latestUs: Math.ceil(show(latestUs)) }),
  };
}

/** Gives the end of a part its digest. */
export function complete(records: readonly HistoryRecord[]): HistoryRecord[] {
  const hash = createHash('sha256');
  return records.map((record) => {
    if (record.type === 'end') return { ...record, digest: hash.copy().digest('hex') };
    hash.update(encodeRecord(record));
    return record;
  });
}

function readParts(files: PartFiles): History {
  const builder = new HistoryBuilder();
  for (const [number, records] of files.entries()) {
    builder.startFile(`${number}.ndjson`);
    for (const record of records) builder.add(record);
    builder.endFile();
  }
  return builder.build();
}

function least(values: readonly number[]): number {
  return values.reduce((sofar, value) => Math.min(sofar, value), Number.POSITIVE_INFINITY);
}

/** The certificate of a history, in parts or of one recorder. */
export function certifyParts(files: PartFiles, options: Partial<CheckOptions> = {}): CertificateRecord[] {
  const history = readParts(files);
  const rules = { busiest: [], contestedAtLeast: 0, infoAtMost: 1, ...options };
  return [...certificateRecords(history.operations, examineHistory(history, rules))];
}

/** A run of a specimen by one recorder, and the same in parts. */
export function divided(specimen: Specimen, seed: number) {
  const { records, circumstances } = runSpecimen(specimen, seed, 600);
  const nodes = new Set(
    records.flatMap((record) => (record.type === 'op' ? (record.decision?.node ?? []) : [])),
  );
  const show = (us: number) => EPOCH_US + us * (1 + circumstances.driftPpm / 1_000_000);
  const delayed = withDelays(records, seed);
  return { one: delayed, parts: inParts({ records: delayed, nodes: ['n', ...nodes], show }, seed) };
}
