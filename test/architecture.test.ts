import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = join(import.meta.dirname, '../src');

/** What each folder may import besides itself: the arrows of design 11. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  history: ['core'],
  checker: ['history', 'core'],
  scenario: ['checker', 'core'],
  limiter: ['core'],
  http: ['limiter', 'core'],
  metrics: ['limiter', 'core'],
  rating: ['http', 'limiter', 'core'],
  toxiproxy: ['core'],
  regions: ['toxiproxy', 'core'],
  faults: ['regions', 'scenario', 'core'],
  load: ['history', 'core'],
  experiment: ['faults', 'scenario', 'checker', 'history', 'rating', 'limiter', 'regions', 'load', 'core'],
  report: ['scenario', 'checker', 'history', 'core'],
  cli: [
    'experiment',
    'report',
    'faults',
    'scenario',
    'checker',
    'history',
    'rating',
    'metrics',
    'limiter',
    'toxiproxy',
    'regions',
    'load',
    'core',
  ],
  '.': ['http', 'limiter', 'checker', 'history', 'core'],
};

/** The packages that folders which decide may use; all others may use any. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  core: [],
  history: [],
  checker: ['fastest-levenshtein'],
  scenario: ['yaml', 'zod'],
  report: ['cli-table3', 'picocolors', 'zod'],
};

/** No clock, no randomness, no input or output: what these decide depends on their arguments alone. */
const PURE = ['core', 'history', 'checker', 'scenario', 'report'];
const IMPURE =
  /from 'node:|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.|\bset(Timeout|Interval|Immediate)\b/;
const PROCESS_GLOBAL =
  /\bprocess\.(argv|env|stdin|stdout|stderr|exit|exitCode|on|cwd|execPath)\b|\bconsole\./;

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
);
const sources = new Map(files.map((file) => [file, readFileSync(join(SRC, file), 'utf8')]));

const folderOf = (file: string) => (file.includes('/') ? (file.split('/')[0] ?? '') : '.');
const importsOf = (file: string) =>
  [...(sources.get(file) ?? '').matchAll(/(?:from |import |import\()'(\.[^']+)'/g)].map(([, path = '']) =>
    relative(SRC, join(SRC, dirname(file), path)),
  );

describe('the layout', () => {
  it('has files to look at, in folders that are in the map', () => {
    expect(files.length).toBeGreaterThan(30);
    expect([...new Set(files.map(folderOf))].filter((folder) => !(folder in ARROWS))).toEqual([]);
  });

  it('has arrows that point down only', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter(
          (imported) =>
            folderOf(imported) !== folderOf(file) && !ARROWS[folderOf(file)]?.includes(folderOf(imported)),
        )
        .map((imported) => `${file} -> ${imported}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no circle, neither of folders nor of files', () => {
    expect(findCircle(Object.keys(ARROWS), (folder) => ARROWS[folder] ?? [])).toBeUndefined();
    expect(findCircle(files, importsOf)).toBeUndefined();
  });

  it('imports only files that exist', () => {
    expect(files.flatMap(importsOf).filter((imported) => !sources.has(imported))).toEqual([]);
  });

  it('gives the pure folders no packages but those named', () => {
    const wrong = files.flatMap((file) =>
      [...(sources.get(file) ?? '').matchAll(/(?:from |import |import\()'([^.'][^']*)'/g)]
        .map(([, name = '']) => name)
        .filter((name) => PACKAGES[folderOf(file)]?.includes(name) === false)
        .map((name) => `${file} -> ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps the pure folders pure', () => {
    expect(
      files.filter((file) => PURE.includes(folderOf(file)) && IMPURE.test(sources.get(file) ?? '')),
    ).toEqual([]);
  });

  it('touches the globals of the process in cli/ only', () => {
    expect(
      files.filter((file) => folderOf(file) !== 'cli' && PROCESS_GLOBAL.test(sources.get(file) ?? '')),
    ).toEqual([]);
  });

  it('has no file longer than 300 lines', () => {
    expect(files.filter((file) => (sources.get(file) ?? '').split('\n').length > 300)).toEqual([]);
  });
});

describe('the search for circles', () => {
  it('finds one', () =>
    expect(findCircle(['a', 'b', 'c'], (node) => ({ a: ['b'], b: ['c'], c: ['a'] })[node] ?? [])).toEqual([
      'a',
      'b',
      'c',
      'a',
    ]));
  it('accepts a diamond', () =>
    expect(
      findCircle(['a', 'b', 'c', 'd'], (node) => ({ a: ['b', 'c'], b: ['d'], c: ['d'] })[node] ?? []),
    ).toBeUndefined());
});

/** The first path that comes back to where it was, if there is one. */
function findCircle(
  nodes: readonly string[],
  next: (node: string) => readonly string[],
): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const following of next(node)) {
      const circle = visit(following, [...path, node]);
      if (circle !== undefined) return circle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of nodes) {
    const circle = visit(node, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
