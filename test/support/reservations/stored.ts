/** The values of lua/shared/stored.lua and lua/shared/record.lua, read by other code than the scripts. */
export interface BucketValue {
  readonly atUs: number;
  readonly levels: readonly number[];
  readonly entries: readonly Entry[];
}

/** A reservation with an expiry, in its bucket. */
export interface Entry {
  readonly number: number;
  readonly expiresAtUs: number;
  readonly held: readonly number[];
}

export interface RecordValue {
  readonly number: number;
  readonly expiresAtUs: number;
  readonly expiryUs: number;
  readonly extensions: number;
  readonly mark: number;
  readonly isSettled: boolean;
  readonly held: readonly number[];
  readonly settled: readonly number[];
}

export function readBucketValue(value: string): BucketValue {
  const policies = value.charCodeAt(value.length - 1);
  const [atUs = 0, ...rest] = doublesOf(value.slice(0, -1));
  const levels = rest.slice(0, policies);
  const entries: Entry[] = [];
  for (let at = 3 * policies; at < rest.length; at += policies + 2) {
    const [number = 0, expiresAtUs = 0, ...held] = rest.slice(at, at + policies + 2);
    entries.push({ number, expiresAtUs, held });
  }
  return { atUs, levels, entries };
}

export function readRecordValue(value: string): RecordValue {
  const all = doublesOf(value);
  const [number = 0, expiresAtUs = 0, expiryUs = 0, , extensions = 0, mark = 0, settled] = all;
  const parts = all.slice(11);
  const every5th = (from: number) => parts.filter((_, i) => i % 5 === from);
  return {
    ...{ number, expiresAtUs, expiryUs, extensions, mark },
    isSettled: settled === 1,
    held: every5th(1),
    settled: every5th(2),
  };
}

function doublesOf(text: string): number[] {
  const bytes = Buffer.from(text, 'latin1');
  return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(8 * i));
}
