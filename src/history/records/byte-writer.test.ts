import { expect, it } from 'vitest';
import { ByteWriter } from './byte-writer.ts';

const textOf = (write: (writer: ByteWriter) => void) => {
  const writer = new ByteWriter(4); // grows
  write(writer);
  return new TextDecoder().decode(writer.take());
};

it.each([
  0,
  -0,
  7,
  10,
  99,
  100,
  999,
  1_000,
  99_999,
  999_999,
  9_999_999,
  99_999_999,
  1e8,
  100_000_001,
  1e16,
  -1,
  0.5,
  -12.25,
  1e21,
  1_767_225_602_090_459,
  1_000_000_000_000_009,
  Number.MAX_SAFE_INTEGER,
  2 ** 60,
  1e-7,
])('writes %d as JSON does', (value) => {
  expect(textOf((writer) => writer.number(value))).toBe(JSON.stringify(value));
});

it.each(['', 'u167', 'a "quote"', 'back\\slash', 'line\nend', '\u007f', 'é', '界', '𝄞', '\ud800'])(
  'writes the text %j as JSON does',
  (value) => {
    expect(textOf((writer) => writer.text(value))).toBe(JSON.stringify(value));
  },
);

it('gives what was written since the last time, in memory of its own', () => {
  const writer = new ByteWriter(16);
  writer.text('one');
  const first = writer.take();
  writer.text('two');
  expect(writer.length).toBe(5);
  const second = writer.take();
  expect([first, second].map((bytes) => new TextDecoder().decode(bytes))).toEqual(['"one"', '"two"']);
  expect(writer.take().length).toBe(0);
});
