import { describe, expect, it } from 'vitest';
import { plainWordsOf } from '../support/reservations/monitor.ts';

/** As Valkey prints a value in MONITOR: a line feed has an escape, and a backslash has none. */
function printed(bytes: Buffer): string {
  const names: Readonly<Record<number, string>> = { 7: 'a', 8: 'b', 9: 't', 10: 'n', 13: 'r' };
  return [...bytes]
    .map((byte) => {
      const name = names[byte];
      if (name !== undefined) return `\\${name}`;
      const isPlain = byte >= 32 && byte < 127;
      return isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

function doubles(...values: number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries()) bytes.writeDoubleLE(value, 8 * i);
  return bytes;
}

/** Microseconds whose double has a tab, and then a backslash and this letter: in some 4 seconds of three days. */
function microsWith(letter: string): number {
  const bytes = doubles(1_795_900_161_154_164);
  bytes[1] = 9;
  bytes.write(`\\${letter}`, 3, 'latin1');
  return bytes.readDoubleLE();
}

describe.each([...'nrtab'])('a time with the bytes of a backslash and %s', (letter) => {
  const atUs = microsWith(letter);
  const number = microsWith('r') + 4_500_000_000_000;
  const known = { atUs: atUs + 3, numbers: new Set([number]) };

  it('is read as it is, in a bucket and in a record', () => {
    const bucket = Buffer.concat([doubles(atUs, 700_000, 1, 2, number, atUs + 500_000, 4), Buffer.from([1])]);
    const record = doubles(number, atUs + 500_000, 500_000, 0, 1);
    const line = (key: string, value: Buffer) => `"PSETEX" "${key}" "1500" "${printed(value)}"`;
    const read = (text: string) => Buffer.from(plainWordsOf(text, known)[3] ?? '', 'latin1');
    expect(read(line('p:ada:e', bucket))).toEqual(bucket);
    expect(read(line('{p:ada:e}:reserve:1', record))).toEqual(record);
  });

  it('is whole, and has both bytes', () => {
    expect(Number.isSafeInteger(atUs)).toBe(true);
    expect(doubles(atUs).toString('latin1')).toMatch(new RegExp(`\\t.\\\\${letter}`, 's'));
  });
});

describe('a time with the bytes that stand between two words', () => {
  const bytes = doubles(1_796_330_486_250_157);
  bytes.write('" "', 1, 'latin1');
  const atUs = bytes.readDoubleLE();

  it.each([
    { how: 'PSETEX', before: '"PSETEX" "p:ada:e" "1500" ', after: '', place: 3 },
    { how: 'SET KEEPTTL', before: '"SET" "p:ada:e" ', after: ' "KEEPTTL"', place: 2 },
  ])('is read as it is, by $how', ({ before, after, place }) => {
    const value = Buffer.concat([doubles(atUs, 700_000), Buffer.from([1])]);
    const words = plainWordsOf(`${before}"${printed(value)}"${after}`, { atUs, numbers: new Set() });
    expect(Buffer.from(words[place] ?? '', 'latin1')).toEqual(value);
    expect(words).toHaveLength(4);
  });
});
