import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HistoryBuilder } from '../../../src/history/columns/builder.ts';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type { ClockReading, HistoryRecord } from '../../../src/history/records/operation.ts';
import type { RunReport } from '../../../src/report/report.ts';
import { testFolder } from '../cli.ts';
import { headerOf } from '../history.ts';
import { runOf } from '../html.ts';
import { syntheticRecords } from '../synthetic-run.ts';

/** When the times of a kept run are 0: some seconds after it was started. */
export const ORIGIN = '2026-11-25T00:00:12.500Z';
export const RUN = '20261125T000000000Z-chaos-partition-1';

const S = 1_000_000;
const OPERATIONS = 3_000;
const header = headerOf('20:5/s', { regions: ['us-east', 'eu-west', 'ap-south'] });

/** What else happened: a command with a secret, which is not healed, and an event with the bucket of a user. */
const MORE: readonly HistoryRecord[] = [
  { type: 'fault', fault: 'partition', phase: 'settled', atUs: 16 * S },
  { type: 'fault', fault: 'command', phase: 'inject', atUs: 18 * S, args: { inject: 'cut --key hush' } },
  { type: 'event', event: 'restart', node: 'n', atUs: 1 * S, args: { empty: false, bucket: 'ratings:u99' } },
];

interface KeepOptions {
  /** Null: the report does not say it. */
  readonly originAt?: string | null;
  readonly readings?: readonly ClockReading[];
}

interface KeptRun {
  readonly cwd: string;
  readonly folder: string;
  readonly report: RunReport;
}

/**
 * A folder with one kept run of 20 s and 3,000 requests: a partition from 5 s to 13 s, a takeover at 9 s that loses what
 * two buckets spent. Its name is `RUN`.
 */
export function keepRun({ originAt = ORIGIN, readings = [] }: KeepOptions = {}): KeptRun {
  const { report, lines } = madeOnce();
  const cwd = testFolder();
  const folder = join(cwd, 'reports', RUN);
  mkdirSync(folder, { recursive: true });
  const kept = { ...report, ...(originAt !== null && { originAt }) };
  writeFileSync(join(folder, 'report.json'), JSON.stringify(kept));
  const [first = '', ...rest] = lines;
  writeFileSync(
    join(folder, 'history.ndjson'),
    [first, ...readings.map(encodeRecord), ...rest, ''].join('\n'),
  );
  return { cwd, folder, report: kept };
}

let made: { readonly report: RunReport; readonly lines: readonly string[] } | undefined;

function madeOnce() {
  if (made !== undefined) return made;
  const end = { type: 'end', atUs: 21 * S, sent: OPERATIONS } as const;
  const records = [header, ...syntheticRecords({ operations: OPERATIONS, buckets: 100 }), ...MORE, end];
  const builder = new HistoryBuilder();
  builder.startFile('history.ndjson');
  for (const record of records) builder.add(record);
  builder.endFile();
  const { report } = runOf(builder.build(), { scenario: 'chaos-partition' });
  made = { report, lines: records.map(encodeRecord) };
  return made;
}
