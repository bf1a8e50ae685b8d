import { describe, expect, it } from 'vitest';
import { bucketKey, checkPrefix } from './key.ts';

describe('the key of a bucket', () => {
  it.each([
    ['plain text', 'u42', 'ratings', 'rate:openclaw:u42:ratings'],
    ['colons, which part the key', 'a:b', 'c', 'rate:openclaw:a%3Ab:c'],
    ['braces, which choose the slot', '{x}', 'e', 'rate:openclaw:%7Bx%7D:e'],
    ['a percent sign, the escape itself', 'a%3Ab', 'c', 'rate:openclaw:a%253Ab:c'],
    ['letters of any language', 'zoë', 'e', 'rate:openclaw:zoë:e'],
  ])('escapes %s', (_, user, endpoint, key) =>
    expect(bucketKey('rate:openclaw', { user, endpoint })).toBe(key),
  );

  it('differs for subjects whose joined text is the same', () => {
    const keys = [
      { user: 'a:b', endpoint: 'c' },
      { user: 'a', endpoint: 'b:c' },
      { user: 'a%3Ab', endpoint: 'c' },
    ].map((subject) => bucketKey('p', subject));
    expect(new Set(keys).size).toBe(3);
  });

  it.each([
    ['empty text', '', /non-empty string/],
    ['10 kB', 'x'.repeat(10_240), /at most 256 bytes; found 10240/],
    ['a newline', 'a\nb', /control characters; found "a\\nb"/],
    ['an escape sequence', '\u001b[2J', /control characters; found "\\u001b/],
    ['a null byte', 'a\0', /control characters/],
    ['half a surrogate pair', '\ud800', /control characters/],
    ['no text', undefined as unknown as string, /non-empty string; found undefined/],
  ])('refuses %s as user and as endpoint', (_, text, says) => {
    expect(() => bucketKey('p', { user: text, endpoint: 'e' })).toThrow(says);
    expect(() => bucketKey('p', { user: 'u', endpoint: text })).toThrow(says);
  });

  it.each(['', '{a}', 'a b', 'a\n', 'x'.repeat(129)])('refuses the prefix %j', (prefix) => {
    expect(() => checkPrefix(prefix)).toThrow(/key prefix/);
  });
});
