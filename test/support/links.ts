import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import GithubSlugger from 'github-slugger';
import { ROOT } from './readme.ts';

const withoutBlocks = (markdown: string) => markdown.replace(/^```[\s\S]*?^```$/gm, '');

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(page: string): ReadonlySet<string> {
  const slugger = new GithubSlugger();
  const prose = withoutBlocks(readFileSync(join(ROOT, page), 'utf8'));
  return new Set([...prose.matchAll(/^#{1,6} (.*)$/gm)].map(([, title = '']) => slugger.slug(title)));
}

/** The links of a page to files and headings, as they are written and as paths from the root. */
export function linksOf(page: string, markdown: string) {
  return [
    ...withoutBlocks(markdown)
      .replace(/`[^`\n]*`/g, '')
      .matchAll(/\]\(([^)\s]+)\)/g),
  ]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return { target, file: path === '' ? page : join(dirname(page), path), anchor };
    });
}

export function brokenLinks(page: string, markdown: string): string[] {
  return linksOf(page, markdown)
    .filter(({ file, anchor }) => {
      if (!existsSync(join(ROOT, file))) return true;
      return anchor !== undefined && !anchorsOf(file).has(anchor);
    })
    .map(({ target }) => target);
}
