import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultClaims } from '../../src/checker/claims/default-claims.ts';
import { type ErrorCode, OpenclawError } from '../../src/core/errors.ts';
import { STRATEGY_NAMES } from '../../src/core/strategies.ts';
import { parseEndpoints } from '../../src/scenario/endpoints/parse.ts';
import { FAULT_NAMES } from '../../src/scenario/faults/index.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { callCli } from '../support/call-cli.ts';
import { testFolder } from '../support/cli.ts';
import {
  blocksOn,
  COMMAND_PAGE,
  commandsShown,
  ENDPOINTS_PAGE,
  fencesOf,
  isTaken,
  K6_PAGE,
  LOAD_BY_HAND_PAGE,
  PAGES,
  RUN_PAGES,
  SCENARIO_PAGE,
  textOf,
  YOUR_REDIS_PAGE,
} from '../support/doc-blocks.ts';
import { brokenLinks, linksOf } from '../support/links.ts';
import { blocksOf, commandsOf, ROOT } from '../support/readme.ts';

const DOCS = join(ROOT, 'docs');
const INDEX = 'docs/README.md';
const guides = PAGES.filter((page) => page.startsWith('docs/'));

/** Pages to which neither docs/README.md nor the README of their folder links. */
function unlisted(pages: readonly string[], read: (page: string) => string): string[] {
  const listedBy = (index: string) => linksOf(index, read(index)).map(({ file }) => file);
  const folders = [...new Set(pages.map((page) => dirname(page)))].map((folder) => `${folder}/README.md`);
  const indexes = new Map(
    folders.filter((index) => pages.includes(index)).map((index) => [index, listedBy(index)]),
  );
  return pages.filter(
    (page) =>
      page !== INDEX &&
      !indexes.get(INDEX)?.includes(page) &&
      !(basename(page) !== 'README.md' && indexes.get(`${dirname(page)}/README.md`)?.includes(page)),
  );
}

describe('the README', () => {
  it('has at most 200 lines', () =>
    expect(textOf('README.md').split('\n').length - 1).toBeLessThanOrEqual(200));

  it('begins with what is set up and run by one line each', () => {
    const commands = blocksOn('README.md', 'sh').flatMap((block) => commandsOf(block));
    const set = commands.slice(0, 2).map(({ text }) => text);
    expect(set).toEqual(['bin/setup && bin/openclaw-rl bench', 'bin/setup && npm test']);
  });
});

describe('links', () => {
  it.each([...PAGES, 'CHANGELOG.md', 'reports/README.md'])('of %s lead somewhere', (page) =>
    expect(brokenLinks(page, textOf(page))).toEqual([]),
  );

  it('are found broken', () =>
    expect(
      brokenLinks(INDEX, '[a](nowhere.md) [b](#nothing) [c](../README.md#gate-a-build) [d](#run-it)'),
    ).toEqual(['nowhere.md', '#nothing']));

  it('lead to every page of docs/ from its index, or from that of its folder', () =>
    expect(unlisted(guides, textOf)).toEqual([]));

  it('are found missing', () => {
    const texts: Readonly<Record<string, string>> = {
      [INDEX]: '[a](a.md) [in](in/README.md)',
      'docs/a.md': '',
      'docs/b.md': '',
      'docs/in/README.md': '[c](c.md) [of another folder](../other/README.md)',
      'docs/in/c.md': '',
      'docs/in/d.md': '',
      'docs/other/README.md': '',
    };
    expect(unlisted(Object.keys(texts), (page) => texts[page] ?? '')).toEqual([
      ...['docs/b.md', 'docs/in/d.md', 'docs/other/README.md'],
    ]);
  });
});

describe('code blocks', () => {
  it('are each taken by a test', () => {
    const others = blocksOn(PAGES).filter((block) => !isTaken(block));
    expect(others.map(({ page, language, text }) => `${page}: ${language}: ${text}`)).toEqual([]);
  });

  it.each([
    { page: 'README.md', language: 'python' },
    { page: 'README.md', language: '' },
    { page: 'docs/verdict.md', language: 'yaml' },
    { page: 'docs/verdict.md', language: 'console' },
    { page: 'CONTRIBUTING.md', language: 'ts' },
  ])('in $language of $page are taken by none', (block) =>
    expect(isTaken({ ...block, text: '' })).toBe(false),
  );

  it.each(PAGES)('are all understood: %s', (page) => {
    const markdown = textOf(page);
    expect(fencesOf(markdown)).toBe(2 * blocksOf(markdown).length);
  });

  it('that cannot be read are found', () => {
    for (const text of ['```c++\nx\n```\n', '  ```sh\nx\n  ```\n', '~~~\nx\n~~~\n', '```sh {1}\nx\n```\n'])
      expect(fencesOf(text)).toBeGreaterThan(2 * blocksOf(text).length);
  });
});

const shown = commandsShown(PAGES);

const helps = new Map<string, Promise<string>>();

/** The help of the command that a line begins with, and the words after its name. */
async function helpFor(text: string): Promise<{ help: string; rest: string[] }> {
  const [, line = ''] = /(?:npx |bin\/)?openclaw-rl (.*)$/.exec(text) ?? [];
  const words = line
    .replaceAll(/'[^']*'/g, "''")
    .replace(/[)|].*$/, '')
    .split(/\s+/);
  const path = [words[0] ?? ''];
  const [, sub = ''] = words;
  if (['chaos', 'fault', 'runs', 'serve'].includes(path[0] ?? '') && /^[a-z]/.test(sub)) path.push(sub);
  const key = path.join(' ');
  const printed =
    helps.get(key) ?? callCli([...path, '--help']).then(({ code, stdout }) => (code === 0 ? stdout : ''));
  helps.set(key, printed);
  return { help: await printed, rest: words.slice(path.length) };
}

/** As compose/stand-ins/build does it. */
const IMAGE_BUILD = 'docker build -t openclaw-rl -f compose/Dockerfile .';

describe('the commands that pages show', { timeout: 120_000 }, () => {
  it('are ours, or named in this test', () => {
    const unrun = shown.filter(({ page }) => !RUN_PAGES.includes(page)).map(({ text }) => text);
    const others = unrun.filter((text) => !/(^|<\(|^docker run .*)(npx )?openclaw-rl /.test(text));
    expect([...new Set(others)].sort()).toEqual(['bin/setup', 'bin/setup && npm test', IMAGE_BUILD]);
    expect(shown.length).toBeGreaterThan(100);
  });

  it('exist, with every flag, as the help of the program has it', async () => {
    const ours = shown.filter(({ text }) => text.includes('openclaw-rl ') && text !== IMAGE_BUILD);
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
      const args = text.replace(/^npx openclaw-rl /, '').split(' ');
      const { code, stderr } = await callCli(args, { cwd: ROOT, env: { OPENCLAW_RL_STATE: '/nonexistent' } });
      expect(code, stderr).toBe(exitCode);
    },
  );

  it('name scenarios and npm scripts that there are', () => {
    const { scripts } = JSON.parse(textOf('package.json'));
    for (const page of [...PAGES, 'CHANGELOG.md'])
      for (const [, script = ''] of textOf(page).matchAll(/`npm run ([\w:]+)`/g))
        expect(scripts).toHaveProperty(script);
  });
});

describe('what guides say of files', { timeout: 120_000 }, () => {
  it('has scenarios that are some', () => {
    const scenarios = blocksOn([SCENARIO_PAGE, COMMAND_PAGE], 'yaml');
    const plans = scenarios.map(({ text }) => parseScenario(text, { file: 'my-scenario.yaml' }));
    expect(plans.map(({ faults }) => faults.length)).toEqual([2, 0, 0, 1, 0, 1]);
  });

  it('has endpoints that are some', () => {
    const files = blocksOn([ENDPOINTS_PAGE, YOUR_REDIS_PAGE, LOAD_BY_HAND_PAGE], 'yaml').map(({ text }) =>
      parseEndpoints(text, 'endpoints.yaml'),
    );
    expect(files.map(({ kind, nodes }) => [kind, nodes.length])).toEqual([
      ['cluster', 3],
      ['single', 1],
      ['sentinel', 2],
      ['cluster', 3],
      ['cluster', 0],
      ['single', 1],
    ]);
  });

  it('has a script of k6 that is a module with a default function', () => {
    const scripts = blocksOn(K6_PAGE, 'js');
    expect(scripts).toHaveLength(1);
    for (const { text } of scripts) {
      const file = join(testFolder(), 'script.mjs');
      writeFileSync(file, text);
      execFileSync(process.execPath, ['--check', file]);
      expect(text).toMatch(/^export default function/m);
    }
  });

  it('has files for the top of a clone that neither lint nor git complains of', () => {
    const biome = join(ROOT, 'node_modules/.bin/biome');
    for (const { text } of blocksOn(PAGES, 'js')) {
      const formatted = execFileSync(biome, ['format', '--stdin-file-path=docs/mine.mjs'], {
        cwd: ROOT,
        input: text,
      });
      expect(formatted.toString()).toBe(text);
    }
    for (const name of ['mine.mjs', 'history.ndjson', 'my-scenario.yaml', 'two.html', 'reports/two.html'])
      execFileSync('git', ['check-ignore', '--quiet', name], { cwd: ROOT });
  });

  it('has every strategy that the command line has, and no other', () => {
    const cells = [...textOf('docs/strategies/README.md').matchAll(/^\| [^|`]+ \| ([^|]*) \|/gm)].map(
      ([, cell = '']) => cell,
    );
    const names = cells.flatMap((cell) => [...cell.matchAll(/`([\w-]+)`/g)].map(([, name]) => name));
    expect(names.filter((name) => name !== '--strategy').sort()).toEqual([...STRATEGY_NAMES].sort());
  });

  it('counts the faults and the scenarios that come along', () => {
    const scenarios = readdirSync(join(ROOT, 'scenarios')).filter((file) => file.endsWith('.yaml')).length;
    const rows = textOf('docs/faults.md').matchAll(/^(?:\| `|- `)([a-z-]+) -/gm);
    const faults = new Set([...rows].map(([, name]) => name)).size;
    expect(faults).toBe(FAULT_NAMES.length);
    expect(textOf('README.md')).toContain(`a command of yours: ${faults} faults |`);
    expect(textOf('README.md')).toContain(`write a run in one file; ${scenarios} come along |`);
    expect(textOf('docs/scenarios.md')).toContain(`[${scenarios} scenarios](../scenarios) come along`);
  });

  it('has every error with its charge and its hint', () => {
    const codes = [...textOf('src/core/errors.ts').matchAll(/^ {2}([A-Z_]+): \{/gm)].map(([, code]) => code);
    const rows = codes.map((code) => {
      const { charge, hint } = new OpenclawError(code as ErrorCode, '');
      return `| \`${code}\` | \`${charge}\` | ${hint} |`;
    });
    const shownRows = textOf('docs/library/errors.md')
      .split('\n')
      .filter((line) => /^\| `[A-Z]/.test(line));
    expect(shownRows.sort()).toEqual(rows.sort());
    expect(rows.length).toBeGreaterThan(30);
  });

  it.each([undefined, {}, { losesReplies: true } as const])(
    'has the default claims under the fault %o',
    (fault) => {
      const page = textOf('docs/reference/claims.md');
      const claims = STRATEGY_NAMES.flatMap((strategy) =>
        defaultClaims({ strategy, ...(fault && { fault }) }),
      );
      const words = {
        'contested >= 40%': '(of `lease` 40%)',
        'info <= 30%': '(30% where the fault loses replies)',
      };
      for (const claim of claims)
        expect(page).toContain(words[claim as keyof typeof words] ?? `\`${claim}\``);
    },
  );

  it('names folders that there are', () => {
    for (const [, name = ''] of textOf('docs/architecture.md').matchAll(/`(src\/[\w/-]+|lua\/)`/g))
      expect(statSync(join(ROOT, name)).isDirectory(), name).toBe(true);
  });

  it('quotes what check prints of the access log of nginx, under its command and beside its picture', async () => {
    const [block] = blocksOn('docs/logs.md', 'text');
    const [command] = blocksOn('docs/logs.md', 'sh').flatMap((each) => commandsOf(each));
    const args = command?.text.replace(/^npx openclaw-rl /, '').split(' ') ?? [];
    const { stdout } = await callCli(args, { cwd: ROOT });
    const lines = block?.text.split('\n').filter((line) => line.trim() !== '...') ?? [];
    for (const line of lines) expect(stdout).toContain(line);
    const [, bucket, tokens, seconds, allowed] =
      /bucket (\w+): (\d+) tokens admitted wholly within ([\d.]+) s,.* = ([\d.]+)/.exec(lines[1] ?? '') ?? [];
    const alternative = `![${tokens} requests admitted within ${seconds} s, where ${allowed} are allowed](`;
    expect(textOf('docs/verdict.md')).toContain(alternative);
    const picture = readFileSync(join(DOCS, 'pictures/theorem.svg'), 'utf8');
    expect(picture).toContain(`Bucket ${bucket}: every request admitted wholly within ${seconds} s`);
    expect(picture).toContain(`${tokens} admitted, ${allowed} allowed`);
  });

  it('has pictures as its script draws them of the runs that are here', () => {
    const drawn = ['theorem.svg', 'partition.svg'].map((name) => join(DOCS, 'pictures', name));
    const before = drawn.map((file) => readFileSync(file, 'utf8'));
    execFileSync(process.execPath, [join(ROOT, 'bench/docs-pictures.mjs')]);
    expect(drawn.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
    for (const file of drawn)
      expect(readFileSync(file, 'utf8')).toMatch(/^<svg [^>]*role="img" aria-label="/);
    const shownIn = guides.map(textOf).join('\n');
    for (const file of drawn) expect(shownIn).toContain(`](${relative(DOCS, file)})`);
  });
});
