// The pages of the repository that are in openclaw-rl-limiter too.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { withLinks } from '../links.mjs';

const ROOT = join(import.meta.dirname, '../..');
const FOLDERS = ['docs/library', 'docs/strategies'];
const FILES = ['docs/production.md', 'docs/redis-away.md', 'docs/glossary.md'];

/** Of pages, where each is in the package and where it is in the repository. */
function sources() {
  const inFolders = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  );
  const same = ['CHANGELOG.md', ...inFolders, ...FILES].map((path) => [path, path]);
  return new Map([['README.md', 'release/limiter/README.md'], ...same]);
}

/**
 * The text of each page by its path in the package. A link to a page that is not there leads to `addressOf(path)`; where
 * that is undefined, its text alone is left. `exports` are the entry points of both packages.
 */
export function limiterPages({ exports, addressOf }) {
  const pages = sources();
  return new Map(
    [...pages].map(([page, source]) => {
      const linked = withLinks(readFileSync(join(ROOT, source), 'utf8'), {
        folder: dirname(source),
        addressOf: (path) => (pages.has(path) ? relative(dirname(page), path) : addressOf(path)),
      });
      return [page, page.startsWith('docs/') ? withLimiterImports(linked, exports) : linked];
    }),
  );
}

/** Names of entry points become those of this package: in quotes as an import has them, in headings and in prose. */
function withLimiterImports(markdown, exports) {
  const entries = Object.keys(exports).filter((entry) => entry !== '.');
  const named = entries
    .sort((a, b) => b.length - a.length)
    .reduce((text, entry) => {
      const path = entry.slice(1);
      return text.replaceAll(
        new RegExp(`(['\`])openclaw-rl${path}\\1`, 'g'),
        `$1openclaw-rl-limiter${path}$1`,
      );
    }, markdown);
  return named
    .replaceAll("'openclaw-rl'", "'openclaw-rl-limiter'")
    .replace(/^## `openclaw-rl`$/gm, '## `openclaw-rl-limiter`');
}
