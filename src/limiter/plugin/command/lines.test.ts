import { expect, it } from 'vitest';
import { Lines } from './lines.ts';

it('splits bytes into lines, wherever a chunk ends', () => {
  const bytes = Buffer.from('{"a":"ä€"}\n\n{"b":2}\nrest');
  for (let size = 1; size <= bytes.length; size++) {
    const lines = new Lines(100);
    const all = [];
    for (let at = 0; at < bytes.length; at += size) all.push(...lines.add(bytes.subarray(at, at + size)));
    expect(all).toEqual(['{"a":"ä€"}', '', '{"b":2}']);
  }
});

it.each(['x'.repeat(11), `${'x'.repeat(11)}\n`, `ok\n${'x'.repeat(11)}`])(
  'refuses a line that is too long: %j',
  (text) => {
    expect(() => new Lines(10).add(Buffer.from(text))).toThrow(/more than 10 characters/);
  },
);
