import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import config from '../../vitest.config.ts';

const SRC = join(import.meta.dirname, '../../src');
const TESTS = join(import.meta.dirname, '..');

/** What each folder may import besides itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  topology: ['core'],
  history: ['core'],
  checker: ['history', 'core'],
  scenario: ['checker', 'history', 'topology', 'core'],
  limiter: ['core'],
  http: ['limiter', 'core'],
  metrics: ['limiter', 'core'],
  rating: ['http', 'limiter', 'core'],
  toxiproxy: ['core'],
  regions: ['toxiproxy', 'topology', 'core'],
  faults: ['regions', 'scenario', 'topology', 'core'],
  load: ['history', 'core'],
  experiment: [
    'faults',
    'scenario',
    'checker',
    'history',
    'rating',
    'limiter',
    'regions',
    'load',
    'topology',
    'core',
  ],
  engines: [
    'experiment',
    'faults',
    'scenario',
    'checker',
    'history',
    'limiter',
    'rating',
    'regions',
    'load',
    'topology',
    'core',
  ],
  simulation: [
    'experiment',
    'scenario',
    'checker',
    'history',
    'rating',
    'http',
    'limiter',
    'regions',
    'load',
    'topology',
    'core',
  ],
  report: ['scenario', 'checker', 'history', 'topology', 'core'],
  hunt: ['simulation', 'report', 'scenario', 'checker', 'limiter', 'topology', 'core'],
  otlp: ['metrics', 'report', 'checker', 'history', 'core'],
  page: ['report', 'checker'],
  testing: ['report', 'checker', 'history', 'limiter', 'core'],
  cli: [
    'otlp',
    'engines',
    'hunt',
    'simulation',
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
    'topology',
    'core',
  ],
  '.': ['http', 'limiter', 'checker', 'history', 'core'],
};

/** The packages that folders which decide may use; all others may use any. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  core: ['fastest-levenshtein'],
  topology: [],
  history: [],
  checker: [],
  scenario: ['yaml', 'zod'],
  report: ['cli-table3', 'picocolors', 'string-width', 'wrap-ansi', 'zod'],
};

/** No clock, no randomness, no input or output: what these decide depends on their arguments alone. */
const PURE = ['core', 'topology', 'history', 'checker', 'scenario', 'report'];
const IMPURE =
  /from 'node:|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.|\bset(Timeout|Interval|Immediate)\b/;
const PROCESS_GLOBAL =
  /\bprocess\.(argv|env|stdin|stdout|stderr|exit|exitCode|on|cwd|execPath)\b|\bconsole\./;

const ROOT = join(SRC, '..');

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

  it('is what benchmarks, audits and fixtures import from dist', () => {
    const scripts = ['bench', 'audits', 'test/fixtures'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.mjs'))
        .map((file) => join(ROOT, folder, file)),
    );
    const imports = scripts.flatMap((script) =>
      [...readFileSync(script, 'utf8').matchAll(/'(\.[./]*\/dist\/[^']+)\.js'/g)].map(([, path = '']) => ({
        script: relative(ROOT, script),
        source: relative(ROOT, `${join(dirname(script), path)}.ts`).replace(/^dist/, 'src'),
      })),
    );
    expect(imports.length).toBeGreaterThan(50);
    expect(imports.filter(({ source }) => !sources.has(relative('src', source)))).toEqual([]);
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

  it('has no test longer than 500 lines', () => {
    const tests = [SRC, TESTS].flatMap((root) =>
      readdirSync(root, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.test.ts'))
        .map((file) => join(root, file)),
    );
    expect(tests.length).toBeGreaterThan(200);
    expect(tests.filter((file) => readFileSync(file, 'utf8').split('\n').length > 501)).toEqual([]);
  });
});

const projects = (config.test?.projects ?? []) as readonly { readonly test: { readonly name: string } }[];
/** Long repetitions have a configuration of their own. */
const TEST_FOLDERS = [...projects.map(({ test }) => test.name), 'soak'];

const OUTSIDE = /from '(?:node:(?:net|tls|dgram|https?|http2|child_process|cluster)|undici|ioredis|redis)'/;

const testFiles = readdirSync(join(SRC, '../test'), { recursive: true, encoding: 'utf8' });
const textsOfTests = new Map(
  [
    ...readdirSync(SRC, { recursive: true, encoding: 'utf8' }).map((file) => join('src', file)),
    ...testFiles.map((file) => join('test', file)),
  ]
    .filter((file) => file.endsWith('.test.ts') || /^test\/support\/.*\.ts$/.test(file))
    .map((file) => [file, readFileSync(join(SRC, '..', file), 'utf8')] as const),
);

/** How a test comes to open sockets or start processes: the imports that lead there, through test/support. */
function wayOutside(file: string): string[] | undefined {
  const text = textsOfTests.get(file) ?? '';
  if (OUTSIDE.test(text)) return [file];
  const imported = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, path = '']) => join(dirname(file), path));
  for (const support of imported.filter((path) => path.startsWith('test/support/'))) {
    const way = wayOutside(support);
    if (way !== undefined) return [file, ...way];
  }
  return undefined;
}

it.each([
  {
    file: 'verify.mjs',
    others: ['./certificate.mjs', './clocks.mjs', './history.mjs', './operations.mjs', './records.mjs'],
  },
  { file: 'certificate.mjs', others: [] },
  { file: 'clocks.mjs', others: ['./operations.mjs'] },
  { file: 'history.mjs', others: ['./operations.mjs', './records.mjs'] },
  { file: 'operations.mjs', others: ['./records.mjs'] },
  { file: 'records.mjs', others: [] },
])(
  '$file of the verifier has at most 200 lines, and imports of Node.js and $others only',
  ({ file, others }) => {
    const text = readFileSync(join(TESTS, '../verify', file), 'utf8');
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(200);
    const imports = [...text.matchAll(/\b(?:from|import\()\s*'([^']*)'/g)].map(([, name]) => name);
    expect(imports.filter((name) => !name?.startsWith('node:'))).toEqual(others);
    expect(imports.length).toBeGreaterThan(0);
  },
);

describe('the tests', () => {
  it('are in a folder that is a project of vitest.config.ts, or in soak', () => {
    const elsewhere = testFiles.filter(
      (file) => /\.(test|soak)\.ts$/.test(file) && !TEST_FOLDERS.includes(folderOf(file)),
    );
    expect(elsewhere).toEqual([]);
  });

  it('open no socket and start no process below src', () => {
    const below = [...textsOfTests.keys()].filter((file) => file.startsWith('src/'));
    expect(below.length).toBeGreaterThan(60);
    expect(below.flatMap((file) => wayOutside(file)?.join(' -> ') ?? [])).toEqual([]);
  });

  it('are known to open sockets through what they import', () =>
    expect(wayOutside('test/load/target.test.ts')?.at(-1)).toBe('test/support/http-server.ts'));
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
