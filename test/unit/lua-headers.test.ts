import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const LUA = join(import.meta.dirname, '../../lua');
const files = readdirSync(LUA).filter((file) => file.endsWith('.lua'));
const scripts = files.map((file) => ({ file, source: readFileSync(join(LUA, file), 'utf8') }));

describe('the Lua scripts', () => {
  it('are there', () =>
    expect(scripts.map(({ file }) => file)).toEqual([
      'active-merge.lua',
      'active-read.lua',
      'active-take.lua',
      'article.lua',
      'extend.lua',
      'lease.lua',
      'peek.lua',
      'refund.lua',
      'rehome-cancel.lua',
      'rehome-close.lua',
      'rehome-leave.lua',
      'rehome-open.lua',
      'reserve.lua',
      'reset.lua',
      'settle.lua',
      'take-all.lua',
      'take-each.lua',
      'take.lua',
    ]));

  describe.each(scripts)('$file', ({ file, source }) => {
    const [, header = '', code = ''] =
      /^#!lua[^\n]*\n--\[\[\n([\s\S]*?)\n\]\]\n([\s\S]*)$/.exec(source) ?? [];
    const indices = (text: string, name: string) =>
      [
        ...new Set([...text.matchAll(new RegExp(`\\b${name}\\[([^\\]]+)\\]`, 'g'))].map(([, at]) => at)),
      ].sort();

    /** What all share reads the terms of each policy. */
    const readByShared = /^-- include shared\/(stored|take-one)\.lua$/m.test(code)
      ? header.match(/^ARGV\[[^\]]+\] +(capacity|refill|unit|cost)\b/gm)?.join('\n')
      : '';

    it('begins with a header that names it', () =>
      expect(header).toMatch(new RegExp(`^${file.replace('.lua', '')}: \\w`)));
    it('describes its reply', () => expect(header).toMatch(/^REPLY {3}\{.+\}$/m));
    it.each(['KEYS', 'ARGV'])('describes each of its %s, and no other', (name) => {
      expect(indices(header, name)).toEqual(indices(`${code}\n${readByShared}`, name));
    });
    it('works on one key, on keys of one slot that it is given, and makes none itself', () => {
      expect(code).not.toMatch(/KEYS\[[^\]]+\]\s*\.\.|\.\.\s*KEYS/);
      for (const [, first = ''] of code.matchAll(/redis\.call\('(?!TIME)[A-Z]+', ([^,)]+)/g))
        expect(first).toMatch(/^KEYS\[/);
    });
    it('gives the number of values of its reply', () => {
      const [, reply = ''] = /^REPLY {3}\{(.+)\}$/m.exec(header) ?? [];
      const described = reply.split(',').length;
      if (reply.includes('then')) return; // as many as there are keys or policies
      for (const [, values = ''] of code.matchAll(/return \{(.+)\}/g))
        expect(values.replace(/\([^()]*\)/g, '()').split(',')).toHaveLength(described);
    });
    it('uses no command that is deprecated, and no tostring of a number', () =>
      expect(code).not.toMatch(/'HMSET'|replicate_commands|tostring\(/));
  });
});
