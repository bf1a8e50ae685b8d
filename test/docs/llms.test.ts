import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repositoryFiles } from '../support/citations.ts';
import { brokenLinks, linksOf } from '../support/links.ts';
import { ROOT } from '../support/readme.ts';

const ABOUT = `# openclaw-rl

> Checks whether a distributed rate limiter keeps its promise, and proves it if it does not. A test bench (regions of Redis that are cut off, slowed down and killed), a judge (of code, an HTTP service, an access log or a history) and a limiter for Node.js.

\`npx openclaw-rl --help\` lists the commands, \`npx openclaw-rl <command> --help\` the flags of one, with examples. \`--json\` prints one JSON document. Exit codes: 0 pass, 1 fail, 2 unknown, 3 too slow, 64 wrong usage, 69 the environment. A page answers the question that is its title.
`;

/** Sections by the folder of their pages, in their order; the last ones are for readers with room. */
const SECTIONS = [
  { title: 'Pages', pages: /^(README|docs\/[^/]+)\.md$/ },
  { title: 'Library', pages: /^docs\/library\// },
  { title: 'Strategies', pages: /^docs\/strategies\// },
  { title: 'Reference', pages: /^(docs\/reference\/.*\.md|reports\/README\.md)$/ },
  { title: 'The project', pages: /^(CONTRIBUTING|CHANGELOG)\.md$/ },
  { title: 'Optional', pages: /^docs\/(results|decisions|screens)\// },
];

/** Without SECURITY.md and CODE_OF_CONDUCT.md: their links are of the repository, so the package is without them. */
const pages = repositoryFiles()
  .filter((file) => /^((README|CONTRIBUTING|CHANGELOG)\.md|docs\/.*\.md|reports\/README\.md)$/.test(file))
  .sort();

function titleOf(page: string): string {
  const [, title] = /^# (.*)$/m.exec(readFileSync(join(ROOT, page), 'utf8')) ?? [];
  if (title === undefined) throw new Error(`${page} has no title`);
  return title.replaceAll('`', '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}

it('llms.txt has each page once, by its title; -u writes it again', async () => {
  const sections = SECTIONS.map(({ title, pages: its }) => {
    const lines = pages.filter((page) => its.test(page)).map((page) => `- [${titleOf(page)}](${page})\n`);
    return `\n## ${title}\n\n${lines.join('')}`;
  });
  const text = ABOUT + sections.join('');
  expect(
    linksOf('llms.txt', text)
      .map(({ file }) => file)
      .sort(),
  ).toEqual(pages);
  expect(pages.length).toBeGreaterThan(80);
  expect(brokenLinks('llms.txt', text)).toEqual([]);
  await expect(text).toMatchFileSnapshot('../../llms.txt');
});
