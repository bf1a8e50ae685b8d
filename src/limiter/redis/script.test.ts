import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { loadScript } from './script.ts';

it('reads a script once, with what it includes', () => {
  const script = loadScript('take');
  expect(loadScript('take')).toBe(script);
  expect(script.source).not.toContain('-- include shared/');
  expect(script.sha).toBe(createHash('sha1').update(script.source).digest('hex'));
  expect(loadScript('peek').name).toBe('peek');
});

it('of a name without a script is refused each time', () => {
  for (const _ of [1, 2]) expect(() => loadScript('no-such-script')).toThrow('ENOENT');
});
