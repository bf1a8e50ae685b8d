import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeRecord } from '../../src/history/records/codec.ts';
import { headerOf, operationOf } from './history.ts';

/** The text of a history in which a full bucket of 20 admits so many at once and denies one more. */
export function historyText(admitted: number, { sent = admitted + 1, from = 0 } = {}): string {
  const outcomes = [...Array.from({ length: admitted }, () => 'allowed' as const), 'denied' as const];
  return [
    headerOf('20:5/s'),
    ...outcomes.map((outcome, at) =>
      operationOf(from + at, { outcome, invokedUs: 1_000, completedUs: 2_000 }),
    ),
    { type: 'end' as const, atUs: 9_000, sent },
  ]
    .map(encodeRecord)
    .join('');
}

/** What a program wrote on stderr, but for its progress: that is there when the machine is busy. */
export function withoutProgress(stderr: string): string {
  return stderr.replace(/^reading .+: \d+ operations\n/gm, '');
}

export function write(folder: string, name: string, text: string | Uint8Array): string {
  writeFileSync(join(folder, name), text);
  return name;
}
