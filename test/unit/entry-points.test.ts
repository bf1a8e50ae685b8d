import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** Packages and modules of Node that each entry point loads, or that its types name: what its users must have. */
const NEEDS: Readonly<
  Record<string, { readonly code: readonly string[]; readonly types: readonly string[] }>
> = {
  './fastify': { code: ['fastify-plugin'], types: ['fastify'] },
  './express': { code: [], types: ['node:http'] },
  './fetch': { code: [], types: [] },
  './hono': { code: [], types: [] },
  './opentelemetry': { code: [], types: ['@opentelemetry/api'] },
  './testing': { code: ['node:module', 'node:perf_hooks'], types: [] },
  './testing/vitest': { code: ['node:module', 'node:perf_hooks', 'vitest'], types: ['vitest'] },
  './testing/jest': { code: ['@jest/globals', 'node:module', 'node:perf_hooks'], types: ['expect'] },
};

const { './package.json': itself, ...entryPoints } = JSON.parse(
  readFileSync(join(ROOT, 'package.json'), 'utf8'),
).exports as Record<string, Paths & { require?: Paths }>;

interface Paths {
  readonly types: string;
  readonly default: string;
}

/** Also `require`, and an augmentation of a module. */
const IMPORT = /(?:from|import|import\(|require\(|\.url\)\(|declare module) ?['"]([\w@.][^'"]*)['"]/g;

/** What is imported by a file or by any file it imports, from outside. */
function outside(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const names = [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, name = '']) => name);
  const found = names.flatMap((name) => {
    if (!name.startsWith('.')) return [name];
    const path = join(dirname(file), name);
    return outside(/\.d\.c?ts$/.test(file) ? path.replace(/\.[jt]s$/, '.d.ts') : path, seen);
  });
  return [...new Set(found)].sort();
}

describe('the entry points of the package', () => {
  it.each(Object.entries(entryPoints))('%s is there', (_name, { require: forRequire, ...paths }) => {
    for (const { types, default: code } of [paths, forRequire ?? paths])
      for (const file of [types, code]) expect(existsSync(join(ROOT, file)), file).toBe(true);
  });

  it('are all listed here, but the first and package.json', () => {
    expect(itself).toBe('./package.json');
    expect(Object.keys(entryPoints)).toEqual(['.', ...Object.keys(NEEDS)]);
  });

  it.each(Object.entries(NEEDS))('%s needs no framework but its own', (name, needs) => {
    const { types = '', default: code = '', require: forRequire } = entryPoints[name] ?? {};
    expect(outside(join(ROOT, code))).toEqual(needs.code);
    expect(outside(join(ROOT, types))).toEqual(needs.types);
    if (forRequire === undefined) return;
    expect(outside(join(ROOT, forRequire.default))).toEqual(
      needs.code.filter((one) => one !== 'node:module'),
    );
    expect(outside(join(ROOT, forRequire.types))).toEqual(needs.types);
  });
});
