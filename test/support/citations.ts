import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { ROOT } from './readme.ts';

/** Recorded or compressed: no text that a person wrote. */
const RECORDED =
  /^(?:package-lock\.json|test\/fixtures\/.*|docs\/.*\.(?:json|html)|.*\.(?:gz|svg|ndjson|jsonl|csv))$/;
/** The top folders whose files are all in the repository; `reports` also has what runs write. */
const FOLDERS = ['audits', 'bench', 'bin', 'compose', 'docs', 'lua', 'scenarios', 'src', 'test'];
/** What a run writes. */
const WRITTEN = ['matrix.md', 'release-notes.md', 'report.md'];

/** A file of the repository. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}

/** The paths of all files of the repository, also of new ones. */
export function repositoryFiles(): readonly string[] {
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const deleted = execFileSync('git', ['ls-files', '--deleted'], { cwd: ROOT, encoding: 'utf8' });
  const gone = new Set(deleted.split('\n'));
  return list.split('\n').filter((file) => file !== '' && !gone.has(file));
}

/** Every text of the repository that a person wrote. */
export function writtenTexts(files: readonly string[]): readonly SourceText[] {
  return files
    .filter((file) => !RECORDED.test(file))
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));
}

/** Citations of a section of the design, which is not in the repository. */
export function designSections({ text }: SourceText): readonly string[] {
  return matches(text, /\bdesign(?:\.md)?[ -]?(?:section |§ ?)?\d+|\bsections? \d+ of the design\b/gi);
}

/** Citations of an issue by its number; `owner/project#1` is an issue of another project. */
export function issueNumbers({ file, text }: SourceText): readonly string[] {
  if (extname(file) === '.css') return matches(text, /\bissues? #?\d+/gi); // a color begins with #, too
  const prose = file.endsWith('.md') ? text.replace(/^```[\s\S]*?^```$/gm, '') : text;
  return matches(prose, /\bissues? #?\d+|(?<![\w&/#]|\w\\)#\d+\b/gi);
}

/**
 * Cited files that are not there: a path below a folder of the repository, a page, a source file by its name. Tests also
 * have paths of pages that they make.
 */
export function missingFiles({ file, text }: SourceText, files: readonly string[]): readonly string[] {
  const code = matches(text, /(?<=`)[\w.@-]+(?:\/[\w.@-]+)*\.[a-z]+(?=`)/g);
  const bare = file.startsWith('test/') ? [] : matches(text, /(?<![\w/.`-])(?:\.\.\/)*docs\/[\w./-]+\.md\b/g);
  const cited = code.filter((path) =>
    path.includes('/')
      ? FOLDERS.includes(path.split('/')[0] ?? '') && /\.[a-z]{1,4}$/.test(path)
      : /\.(?:md|ts|mjs|lua)$/.test(path) && !WRITTEN.includes(path),
  );
  return [...cited, ...bare].filter((path) => !isThere(path.replace(/^(?:\.\.\/)+/, ''), files));
}

/** A path is that of a file; a name is that of a file in any folder. */
function isThere(path: string, files: readonly string[]): boolean {
  return files.some((file) => file === path || (!path.includes('/') && file.endsWith(`/${path}`)));
}

function matches(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([found]) => found);
}
