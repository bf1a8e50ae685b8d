import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileExamples } from './support/examples.ts';
import { blocksOf, ROOT } from './support/readme.ts';
import { startTestServer, type TestServer } from './support/server.ts';

const { exports: entryPoints } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, { default: string }>;
};
const SOURCES = Object.entries(entryPoints).map(([path, { default: built }]) => ({
  name: `openclaw-rl${path.slice(1)}`,
  source: built.replace('./dist', 'src').replace(/\.js$/, '.ts'),
}));

const markdown = readFileSync(join(ROOT, 'docs/library.md'), 'utf8');
const EXAMPLES = [...markdown.matchAll(/^```ts\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/gm)].map(
  ([, text = '', printed = '']) => ({ text, printed }),
);

/** What a module exports by name; every way of exporting that the entry points use. */
function exportsOf(source: string): string[] {
  const text = readFileSync(join(ROOT, source), 'utf8');
  const declared = [...text.matchAll(/^export (?:async )?(?:function|const|class|interface|type) (\w+)/gm)];
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.replace(/^\s*(?:type )?/, '').trim()),
  );
  return [...declared.map(([, name = '']) => name), ...listed].filter((name) => name !== '').sort();
}

/** The part of the document about one entry point. */
function sectionOf(name: string): string {
  const start = markdown.indexOf(`\n## \`${name}\`\n`);
  const end = markdown.indexOf('\n## ', start + 1);
  return start < 0 ? '' : markdown.slice(start, end < 0 ? undefined : end);
}

describe.each(SOURCES)('what docs/library.md says of $name', ({ name, source }) => {
  const exported = exportsOf(source);

  it('has each export in a heading, and nothing else', () => {
    expect(exported.length).toBeGreaterThan(0);
    const headings = [...sectionOf(name).matchAll(/^### (.*)$/gm)].map(([, heading = '']) => heading);
    const documented = headings.flatMap((heading) =>
      [...heading.matchAll(/`(\w+)`/g)].map(([, each]) => each),
    );
    expect(documented.sort()).toEqual(exported);
  });

  it('has each export imported by an example', () => {
    const examples = blocksOf(sectionOf(name)).filter(({ language }) => language === 'ts');
    const imported = examples.flatMap(({ text }) =>
      [...text.matchAll(/^import (?:type )?\{([^}]*)\} from '([^']*)';$/gm)]
        .filter(([, , from]) => from === name)
        .flatMap(([, names = '']) =>
          names.split(',').map((each) => each.replace(/^\s*(?:type )?/, '').trim()),
        ),
    );
    expect(exported.filter((each) => !imported.includes(each))).toEqual([]);
  });
});

describe('the examples of docs/library.md', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-docs-'));
  let redis: TestServer;
  let compiling: ReturnType<typeof compileExamples> | undefined;
  beforeAll(async () => {
    redis = await startTestServer('redis-server');
  });
  afterAll(async () => {
    await redis?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('all say what they print', () => {
    const all = blocksOf(markdown).filter(({ language }) => language === 'ts');
    expect(EXAMPLES.map(({ text }) => text)).toEqual(all.map(({ text }) => text));
  });

  const compiled = () => {
    compiling ??= compileExamples(
      folder,
      EXAMPLES.map(({ text }) => text),
      redis.port,
    );
    return compiling;
  };

  it('compile', async () => {
    const examples = await compiled();
    expect([examples.compiled.code, examples.compiled.stdout]).toEqual([0, '']);
  });

  it.each(EXAMPLES.map(({ printed }, index) => ({ printed, index, first: printed.split('\n')[0] })))(
    'print what they say: $first',
    async ({ printed, index }) => {
      const examples = await compiled();
      await redis.client.flushall();
      expect(await examples.run(index)).toEqual({ code: 0, stdout: printed, stderr: '' });
    },
  );
});
