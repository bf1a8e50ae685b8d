import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MEASURES } from '../../src/checker/claims/claim-list.ts';
import { FOREIGN_FORMATS } from '../../src/history/foreign/formats/formats.ts';
import { callCli } from '../support/call-cli.ts';
import { PAGES, textOf } from '../support/doc-blocks.ts';
import { linksOf } from '../support/links.ts';
import { ROOT } from '../support/readme.ts';

const PAGE = 'CONTRIBUTING.md';
const OURS = /^(?:\.ci|audits|bench|bin|compose|docs|lua|release|reports|scenarios|src|test)(?:\/|$)/;

/** The files and folders that a page names; of `src/faults/<name>.ts` the folder. */
function pathsIn(page: string): string[] {
  const code = [...page.matchAll(/`([\w.@/<>-]+)`/g)].map(([, path = '']) => path);
  return code.filter((path) => OURS.test(path)).map((path) => path.replace(/\/[^/]*<.*$/, ''));
}

const missing = (paths: readonly string[]) => paths.filter((path) => !existsSync(join(ROOT, path)));

describe(PAGE, () => {
  it('has at most 120 lines', () => expect(textOf(PAGE).split('\n').length - 1).toBeLessThanOrEqual(120));

  it.each(['README.md', 'docs/README.md'])('is linked from %s', (page) =>
    expect(linksOf(page, textOf(page)).map(({ file }) => file)).toContain(PAGE),
  );

  it('names files and folders that there are', () => {
    const text = '`src/gone`, `src/core`, `src/faults/<name>.ts`, `test/gone/<name>.ts`, `npm test`, `lua`';
    expect(missing(pathsIn(text))).toEqual(['src/gone', 'test/gone']);
    const paths = pathsIn(textOf(PAGE));
    expect(paths.length).toBeGreaterThan(40);
    expect(missing(paths)).toEqual([]);
  });
});

/** The first cells of the rows of tables. */
const firstCells = (page: string) =>
  [...textOf(page).matchAll(/^\| ([^|]*) \|/gm)].map(([, cell = '']) => cell).join('\n');

describe('what can be added is on its page', () => {
  it('each log format, in docs/logs.md', () => {
    const cells = firstCells('docs/logs.md');
    expect(Object.keys(FOREIGN_FORMATS).filter((name) => !cells.includes(`\`${name}\``))).toEqual([]);
  });

  it('each claim, in docs/reference/claims.md', () => {
    const cells = firstCells('docs/reference/claims.md');
    expect(Object.keys(MEASURES).filter((name) => !new RegExp(`\`${name}[ (]`).test(cells))).toEqual([]);
  });

  it('each command, on some page', async () => {
    const { stdout } = await callCli(['--help']);
    const [, list = ''] = /^Commands:\n((?: .*\n)+)/m.exec(stdout) ?? [];
    const names = [...list.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name);
    expect(names).toContain('bench');
    const pages = PAGES.map(textOf).join('\n');
    const unnamed = names.filter((name) => !new RegExp(`openclaw-rl ${name}\\b`).test(pages));
    expect(unnamed.filter((name) => name !== 'help')).toEqual([]);
  });
});
