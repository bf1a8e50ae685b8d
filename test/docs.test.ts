import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import GithubSlugger from 'github-slugger';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SCENARIO_RULES } from '../src/cli/scenario-rules.ts';
import { checkFault } from '../src/faults/check.ts';
import { STRATEGY_NAMES } from '../src/limiter/create.ts';
import { planTopology } from '../src/regions/topology.ts';
import { parseScenario } from '../src/scenario/parse.ts';
import { callCli } from './support/call-cli.ts';
import { testFolder } from './support/cli.ts';
import { compileExamples } from './support/examples.ts';
import { blocksOf, commandsOf, ROOT } from './support/readme.ts';
import { startTestServer } from './support/server.ts';

const DOCS = join(ROOT, 'docs');
const guides = readdirSync(DOCS).filter((name) => name.endsWith('.md'));
const pages = ['README.md', 'CHANGELOG.md', ...guides.map((name) => join('docs', name))];
const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8');
const withoutCode = (markdown: string) =>
  markdown.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(page: string): ReadonlySet<string> {
  const slugger = new GithubSlugger();
  const prose = textOf(page).replace(/^```[\s\S]*?^```$/gm, '');
  return new Set([...prose.matchAll(/^#{1,6} (.*)$/gm)].map(([, title = '']) => slugger.slug(title)));
}

function brokenLinks(page: string, markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && !anchorsOf(file).has(anchor);
    });
}

describe('links', () => {
  it.each(pages)('of %s lead somewhere', (page) => expect(brokenLinks(page, textOf(page))).toEqual([]));

  it('are found broken', () =>
    expect(
      brokenLinks(
        'docs/README.md',
        '[a](nowhere.md) [b](#nothing) [c](../README.md#gate-a-build) [d](#guides)',
      ),
    ).toEqual(['nowhere.md', '#nothing']));

  it('lead from the index to every page of docs/', () => {
    const index = textOf('docs/README.md');
    const missing = guides.filter((name) => name !== 'README.md' && !index.includes(`](${name})`));
    expect(missing).toEqual([]);
  });
});

interface Shown {
  readonly page: string;
  readonly text: string;
  readonly exitCode: number;
}

/** Every command of ours that a guide shows: in a block, or as code in a sentence. */
const shown: readonly Shown[] = guides.flatMap((name) => {
  const markdown = textOf(join('docs', name));
  const inBlocks = blocksOf(markdown)
    .filter(({ language }) => language === 'sh')
    .flatMap((block) => commandsOf(block));
  const inText = [
    ...markdown.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/`((?:bin\/)?openclaw-rl [^`]+)`/g),
  ];
  return [
    ...inBlocks.map(({ text, exitCode }) => ({ page: name, text, exitCode })),
    ...inText.map(([, text = '']) => ({ page: name, text, exitCode: 0 })),
  ];
});

const helps = new Map<string, Promise<string>>();

/** The help of the command that a line begins with, and the words after its name. */
async function helpFor(text: string): Promise<{ help: string; rest: string[] }> {
  const [, line = ''] = /(?:bin\/)?openclaw-rl (.*)$/.exec(text) ?? [];
  const words = line.replace(/[)|].*$/, '').split(/\s+/);
  const path = [words[0] ?? ''];
  const [, sub = ''] = words;
  if (['chaos', 'fault', 'serve'].includes(path[0] ?? '') && /^[a-z]/.test(sub)) path.push(sub);
  const key = path.join(' ');
  const asked =
    helps.get(key) ?? callCli([...path, '--help']).then(({ code, stdout }) => (code === 0 ? stdout : ''));
  helps.set(key, asked);
  return { help: await asked, rest: words.slice(path.length) };
}

describe('the commands that guides show', { timeout: 120_000 }, () => {
  it('are ours, or named in this test', () => {
    const others = shown.map(({ text }) => text).filter((text) => !/(^|<\()(bin\/)?openclaw-rl /.test(text));
    expect([...new Set(others)].filter((text) => !/^source <\(/.test(text))).toEqual(['bin/setup']);
    expect(shown.length).toBeGreaterThan(30);
  });

  it('exist, with every flag, as the help of the program has it', async () => {
    const ours = shown.filter(({ text }) => text.includes('openclaw-rl '));
    const wrong = await Promise.all(
      ours.map(async ({ page, text }) => {
        const { help, rest } = await helpFor(text);
        const isThere = (flag: string) => new RegExp(`(^|[ ,])${flag}([ ,\n]|$)`, 'm').test(help);
        const flags = rest.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0] ?? '');
        return help !== '' && flags.every(isThere) ? [] : [`${page}: ${text}`];
      }),
    );
    expect(wrong.flat()).toEqual([]);
  });

  it.each(shown.filter(({ text }) => / check docs\//.test(text)))(
    'do what they say: $text',
    async ({ text, exitCode }) => {
      const args = text.replace(/^bin\/openclaw-rl /, '').split(' ');
      const { code, stderr } = await callCli(args, { cwd: ROOT, env: { OPENCLAW_RL_STATE: '/nonexistent' } });
      expect(code, stderr).toBe(exitCode);
    },
  );

  it('name scenarios and npm scripts that there are', () => {
    const { scripts } = JSON.parse(textOf('package.json'));
    for (const page of pages)
      for (const [, script = ''] of textOf(page).matchAll(/`npm run ([\w:]+)`/g))
        expect(scripts).toHaveProperty(script);
  });
});

describe('what guides say of files', { timeout: 120_000 }, () => {
  it('has a scenario that is one', () => {
    const [scenario] = blocksOf(textOf('docs/scenarios.md')).filter(({ language }) => language === 'yaml');
    const plan = parseScenario(scenario?.text ?? '', { file: 'my-scenario.yaml' }, SCENARIO_RULES);
    for (const fault of plan.faults) checkFault(fault, planTopology(plan.topology));
    expect(plan.faults).toHaveLength(2);
  });

  it('has every strategy that the command line has, and no other', () => {
    const cells = [...textOf('docs/strategies.md').matchAll(/^\| [^|`]+ \| ([^|]*) \|/gm)].map(
      ([, cell = '']) => cell,
    );
    const names = cells.flatMap((cell) => [...cell.matchAll(/`([\w-]+)`/g)].map(([, name]) => name));
    expect(names.filter((name) => name !== '--strategy').sort()).toEqual([...STRATEGY_NAMES].sort());
  });

  it('has an example of the library that compiles and runs', async () => {
    const server = await startTestServer('redis-server');
    onTestFinished(() => server.stop());
    const examples = blocksOf(textOf('docs/production.md')).filter(({ language }) => language === 'ts');
    const folder = join(testFolder(), 'consumer');
    const { compiled, run } = await compileExamples(
      folder,
      examples.map(({ text }) => text),
      server.port,
    );
    expect([compiled.code, compiled.stdout]).toEqual([0, '']);
    expect(await run(0)).toEqual({ code: 0, stdout: 'true 0\n', stderr: '' });
  });

  it('names folders that there are', () => {
    for (const [, name = ''] of textOf('docs/architecture.md').matchAll(/`(src\/[\w/-]+|lua\/)`/g))
      expect(statSync(join(ROOT, name)).isDirectory(), name).toBe(true);
  });

  it('has pictures as its script draws them of the runs that are here', () => {
    const drawn = ['theorem.svg', 'partition.svg'].map((name) => join(DOCS, 'pictures', name));
    const before = drawn.map((file) => readFileSync(file, 'utf8'));
    execFileSync(process.execPath, [join(ROOT, 'bench/docs-pictures.mjs')]);
    expect(drawn.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
    for (const file of drawn)
      expect(readFileSync(file, 'utf8')).toMatch(/^<svg [^>]*role="img" aria-label="/);
    const shownIn = guides.map((name) => textOf(join('docs', name))).join('\n');
    for (const file of drawn) expect(shownIn).toContain(`](${relative(DOCS, file)})`);
  });
});
