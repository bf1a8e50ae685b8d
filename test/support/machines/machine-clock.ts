import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './namespaces.ts';

/** How a machine's monotonic clock differs from that of the test. */
export interface ClockSpec {
  /** Whole seconds: the offset of its time namespace. */
  readonly aheadS: number;
  /** How much faster it runs; negative: slower. Counts since `DRIFTS_FOR_S` before it was made. */
  readonly driftPpm: number;
}

/** The monotonic clock of a machine. */
export interface MachineClock {
  /** Of each of its processes. */
  readonly env: Readonly<Record<string, string>>;
  /** What it shows when `process.hrtime.bigint()` of the test is this, both in nanoseconds. */
  atNs(testNs: bigint): bigint;
  /** When it shows this, that of the test is the result, to a nanosecond; of times since the last jump. */
  testNs(clockNs: bigint): bigint;
  /** Steps forward, for all of its processes at once. */
  jump(ms: number): void;
  close(): void;
}

/** As if the machines had drifted apart for this long already: a difference that no test is too slow to see. */
const DRIFTS_FOR_S = 1_000n;

const SOURCE = join(import.meta.dirname, 'machine-clock.c');
const SECOND_NS = 1_000_000_000n;

/** Compiles the library into this folder; gives its path, for all machines. */
export function compileMachineClock(folder: string): string {
  const library = join(folder, 'machine-clock.so');
  run(['cc', '-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, SOURCE, '-ldl']);
  return library;
}

/** The clock of a machine whose time namespace has the offset of `spec`; `file` is its own. */
export function makeMachineClock(
  { aheadS, driftPpm }: ClockSpec,
  { library, file }: { readonly library: string; readonly file: string },
): MachineClock {
  const aheadNs = BigInt(aheadS) * SECOND_NS;
  const originNs = process.hrtime.bigint() + aheadNs - DRIFTS_FOR_S * SECOND_NS;
  const ratePpb = BigInt(driftPpm * 1_000);
  const handle = openSync(file, 'w+');
  const write = (at: number, value: bigint) => writeSync(handle, int64(value), 0, 8, 8 * at);
  let offsetNs = 0n;
  for (const [at, value] of [originNs, ratePpb, offsetNs].entries()) write(at, value);
  return {
    env: { LD_PRELOAD: library, MACHINE_CLOCK_FILE: file },
    atNs(testNs) {
      const realNs = testNs + aheadNs;
      return realNs + offsetNs + ((realNs - originNs) * ratePpb) / SECOND_NS;
    },
    testNs(clockNs) {
      const sinceNs = ((clockNs - offsetNs - originNs) * SECOND_NS) / (SECOND_NS + ratePpb);
      return originNs + sinceNs - aheadNs;
    },
    jump(ms) {
      offsetNs += BigInt(ms) * 1_000_000n;
      write(2, offsetNs);
    },
    close: () => closeSync(handle),
  };
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}
