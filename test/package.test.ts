import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

it('is published with all that its image is built from', () => {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const files = (JSON.parse(packed)[0].files as { path: string }[]).map(({ path }) => path);
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
