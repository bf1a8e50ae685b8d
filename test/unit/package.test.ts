import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { linksOf } from '../support/links.ts';

const ROOT = join(import.meta.dirname, '../..');

function packedFiles(): string[] {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return (JSON.parse(packed)[0].files as { path: string }[]).map(({ path }) => path);
}

it('is published with all that its image is built from', () => {
  const files = packedFiles();
  expect(files).toEqual(expect.arrayContaining(['compose/Dockerfile', 'compose/three-regions.yaml']));
  const copied = [
    ...readFileSync(join(ROOT, 'compose/Dockerfile'), 'utf8').matchAll(/^COPY (?!--)(.*) \S+$/gm),
  ]
    .flatMap(([, sources = '']) => sources.split(' '))
    .filter((source) => !source.endsWith('*')); // those may be absent
  expect(copied.length).toBeGreaterThan(4);
  for (const source of copied)
    expect(
      files.some((path) => path === source || path.startsWith(`${source}/`)),
      source,
    ).toBe(true);
}, 60_000);

it('is published with every file to which its pages link', () => {
  const files = packedFiles();
  const pages = files.filter((file) => file.endsWith('.md'));
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/README.md', 'CHANGELOG.md']));
  const missing = pages.flatMap((page) =>
    linksOf(page, readFileSync(join(ROOT, page), 'utf8'))
      .filter(({ file }) => !files.some((path) => path === file || path.startsWith(`${file}/`)))
      .map(({ target }) => `${page}: ${target}`),
  );
  expect(missing).toEqual([]);
}, 60_000);

it('is packed by no test with its script, which would build dist again under the others', () => {
  const names = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' });
  const lines = names
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => readFileSync(join(ROOT, 'test', name), 'utf8').split('\n'))
    .filter((line) => /\['pack'[,\]]/.test(line));
  expect(lines.length).toBeGreaterThan(3);
  expect(lines.filter((line) => !line.includes("'--ignore-scripts'"))).toEqual([]);
});
