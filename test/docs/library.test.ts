import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster } from '../support/cluster.ts';
import { blocksOn, PAGES, textOf } from '../support/doc-blocks.ts';
import { compileExamples } from '../support/examples.ts';
import { ROOT } from '../support/readme.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const { './package.json': _, ...entryPoints } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  .exports as Record<string, { default: string }>;
/** Entries that export nothing; test/docs/testing.test.ts imports them. */
const FOR_THEIR_EFFECT = ['src/testing/vitest.ts', 'src/testing/jest.ts'];
const SOURCES = Object.entries(entryPoints)
  .map(([path, { default: built }]) => ({
    name: `openclaw-rl${path.slice(1)}`,
    source: built.replace('./dist', 'src').replace(/\.js$/, '.ts'),
  }))
  .filter(({ source }) => !FOR_THEIR_EFFECT.includes(source));

const DOCS = PAGES.filter((page) => page.startsWith('docs/'));

/** The examples of the library, each with the block behind it: what it prints. */
const EXAMPLES = DOCS.flatMap((page) =>
  [...textOf(page).matchAll(/^```ts\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/gm)].map(
    ([, text = '', printed = '']) => ({ page, text, printed }),
  ),
);

/**
 * The exports of an entry point that headings name. A heading of exports is a list of code; those of an entry point
 * stand below the heading with its name, those below none are of the package itself.
 */
function documented(name: string): string[] {
  return DOCS.flatMap((page) => {
    let entry = 'openclaw-rl';
    const names: string[] = [];
    for (const [, heading = ''] of textOf(page)
      .replace(/^```[\s\S]*?^```$/gm, '')
      .matchAll(/^##+ (.*)$/gm)) {
      const codes = [...heading.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
      if (heading !== codes.map((code) => `\`${code}\``).join(', ')) continue;
      if (codes[0]?.startsWith('openclaw-rl')) [entry] = codes as [string];
      else if (entry === name) names.push(...codes);
    }
    return names;
  });
}

/** What a module exports by name; every way of exporting that the entry points use. */
function exportsOf(source: string): string[] {
  const text = readFileSync(join(ROOT, source), 'utf8');
  const declared = [...text.matchAll(/^export (?:async )?(?:function|const|class|interface|type) (\w+)/gm)];
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.replace(/^\s*(?:type )?/, '').trim()),
  );
  return [...declared.map(([, name = '']) => name), ...listed].filter((name) => name !== '').sort();
}

describe.each(SOURCES)('what docs/ says of $name', ({ name, source }) => {
  const exported = exportsOf(source);

  it('has each export in a heading, and nothing else', () => {
    expect(exported.length).toBeGreaterThan(0);
    expect(documented(name).sort()).toEqual(exported);
  });

  it('has each export imported by an example', () => {
    const imported = EXAMPLES.flatMap(({ text }) =>
      [...text.matchAll(/^import (?:type )?\{([^}]*)\} from '([^']*)';$/gm)]
        .filter(([, , from]) => from === name)
        .flatMap(([, names = '']) =>
          names.split(',').map((each) => each.replace(/^\s*(?:type )?/, '').trim()),
        ),
    );
    expect(exported.filter((each) => !imported.includes(each))).toEqual([]);
  });
});

describe('the examples of the library in docs/', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-docs-'));
  let redis: TestServer;
  let cluster: TestServer;
  let compiling: ReturnType<typeof compileExamples> | undefined;
  beforeAll(async () => {
    redis = await startTestServer('redis-server');
    [cluster] = (await startTestCluster('redis-server', 1)) as [TestServer];
  });
  afterAll(async () => {
    await redis?.stop();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('all say what they print', () => {
    const all = blocksOn(DOCS, 'ts').map(({ page, text }) => ({ page, text }));
    expect(EXAMPLES.map(({ page, text }) => ({ page, text }))).toEqual(all);
  });

  const compiled = () => {
    compiling ??= compileExamples(
      folder,
      EXAMPLES.map(({ text }) => text),
      redis.port,
      cluster.port,
    );
    return compiling;
  };

  it('compile', async () => {
    const examples = await compiled();
    expect([examples.compiled.code, examples.compiled.stdout]).toEqual([0, '']);
  });

  it.each(
    EXAMPLES.map(({ page, printed }, index) => ({ page, printed, index, first: printed.split('\n')[0] })),
  )('print what $page says: $first', async ({ printed, index }) => {
    const examples = await compiled();
    await redis.client.flushall();
    await cluster.client.flushall();
    expect(await examples.run(index)).toEqual({ code: 0, stdout: printed, stderr: '' });
  });
});
