import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { linksOf } from '../support/links.ts';
import { ROOT } from '../support/readme.ts';

const load = (file: string) => import(pathToFileURL(join(ROOT, 'release', file)).href);
const { repositoryOf } = await load('repository.mjs');
const { withLinks } = await load('links.mjs');
const { limiterPages } = await load('limiter/pages.mjs');
const { limiterManifest, refuseOthers } = await load('limiter/manifest.mjs');

const root = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const url = 'git+https://github.com/ada/limits.git';

describe('the repository', () => {
  it('is not known without the field', () => expect(repositoryOf({})).toBeUndefined());

  it.each([
    { repository: { type: 'git', url } },
    { repository: { type: 'git', url: 'https://github.com/ada/limits' } },
    { repository: { type: 'git', url: 'git@github.com:ada/limits.git' } },
    { repository: 'github:ada/limits' },
  ])('is where the field says: $repository', (manifest) => {
    const { blob, ...found } = repositoryOf(manifest);
    expect(found).toEqual({
      ...{ url, owner: 'ada', name: 'limits' },
      ...{ homepage: 'https://github.com/ada/limits#readme', bugs: 'https://github.com/ada/limits/issues' },
    });
    expect(blob('1.2.3', 'docs/ci.md')).toBe('https://github.com/ada/limits/blob/v1.2.3/docs/ci.md');
  });

  it.each([
    { repository: { type: 'git', url: 'git+https://gitlab.com/ada/limits.git' } },
    { repository: { type: 'git' } },
    { repository: 'nowhere at all' },
  ])('is refused with the command that sets it: $repository', (manifest) =>
    expect(() => repositoryOf(manifest)).toThrow(
      /expected one of GitHub; set it: npm pkg set repository\.type=git repository\.url=/,
    ),
  );
});

describe('links of a page that is read elsewhere', () => {
  const page =
    'See [a b](../../docs/ci.md#from-nothing), [here](#run), [there](https://x.example/), [log](CHANGES.md).';
  const linked = (addressOf: (path: string) => string | undefined) =>
    withLinks(page, { folder: 'release/limiter', addressOf });

  it('lead to where the file is', () =>
    expect(linked((path) => `https://r.example/${path}`)).toBe(
      'See [a b](https://r.example/docs/ci.md#from-nothing), [here](#run), [there](https://x.example/), [log](https://r.example/release/limiter/CHANGES.md).',
    ));

  it('are text where it is not known', () =>
    expect(linked((path) => (path.endsWith('CHANGES.md') ? 'CHANGES.md' : undefined))).toBe(
      'See a b, [here](#run), [there](https://x.example/), [log](CHANGES.md).',
    ));

  it('are not in code', () => {
    const code = '`routes[name](request)`\n\n```ts\nroutes[name](request);\n```\n';
    const linked = withLinks(`${code}[\`a\`](a.md)\n`, { folder: '.', addressOf: () => undefined });
    expect(linked).toBe(`${code}\`a\`\n`);
  });
});

describe.each([
  { where: 'without a repository', addressOf: () => undefined },
  { where: 'with one', addressOf: (path: string) => `https://r.example/${path}` },
])('the pages of openclaw-rl-limiter, $where', ({ addressOf }) => {
  const pages: ReadonlyMap<string, string> = limiterPages({ exports: root.exports, addressOf });

  it('are those of the library and the strategies, and what a service needs in production', () => {
    const carried = ['docs/library', 'docs/strategies'].flatMap((folder) =>
      readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`),
    );
    expect([...pages.keys()]).toEqual(
      expect.arrayContaining([...carried, 'docs/production.md', 'README.md']),
    );
  });

  it('have no dead link, and lead to each other within the package', () => {
    const links = [...pages].flatMap(([page, text]) => linksOf(page, text));
    expect(links.filter(({ file }) => !pages.has(file))).toEqual([]);
    expect(linksOf('docs/production.md', pages.get('docs/production.md') ?? '')).toContainEqual(
      expect.objectContaining({ file: 'docs/library/limiter.md' }),
    );
  });

  it('import from this package, and from its entry points alone', () => {
    const imported = [...pages.values()].flatMap(
      (text) => text.match(/(?<=['`])openclaw-rl[a-z/-]*(?=')/g) ?? [],
    );
    const entries = Object.keys(root.exports).map((entry) => `openclaw-rl-limiter${entry.slice(1)}`);
    expect(imported.length).toBeGreaterThan(40);
    expect(imported.filter((name) => !entries.includes(name))).toEqual([]);
  });

  it('begin with a README whose links are its sentences when they are text', () => {
    const plain = (text: string) => text.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const readme = plain(pages.get('README.md') ?? '');
    expect(readme).toContain('- docs/library/errors.md: which errors there are');
    for (const [page = ''] of readme.matchAll(/docs\/[a-z/-]+\.md|docs\/[a-z]+\/README\.md/g))
      expect([...pages.keys()]).toContain(page);
  });
});

describe('the manifest of openclaw-rl-limiter', () => {
  it('has the version, the engines and the entry points of the root, and addresses if the root has one', () => {
    const manifest = limiterManifest({ ...root, repository: { type: 'git', url } });
    const { version, engines, exports } = root;
    expect(manifest).toMatchObject({ name: 'openclaw-rl-limiter', version, engines, exports });
    expect(manifest).toMatchObject({
      homepage: `https://github.com/ada/limits/blob/v${version}/docs/library/README.md`,
      bugs: { url: 'https://github.com/ada/limits/issues' },
      repository: { type: 'git', url },
    });
    expect(Object.keys(limiterManifest({ ...root, repository: undefined }))).not.toContain('homepage');
  });

  it('depends on ioredis alone, in the version of the root; every peer is optional', () => {
    const { dependencies, peerDependencies, peerDependenciesMeta } = limiterManifest(root);
    expect(dependencies).toEqual({ ioredis: root.dependencies.ioredis });
    expect(Object.keys(peerDependenciesMeta)).toEqual(Object.keys(peerDependencies));
    expect(Object.values(peerDependenciesMeta)).toEqual(
      Object.keys(peerDependencies).map(() => ({ optional: true })),
    );
  });

  it('is refused for code that imports what it does not have', () => {
    const importers = (name: string) => new Map([[name, ['dist/a.js']]]);
    const manifest = limiterManifest(root);
    for (const name of ['ioredis', 'fastest-levenshtein', 'vitest']) refuseOthers(importers(name), manifest);
    expect(() => refuseOthers(importers('commander'), manifest)).toThrow(
      /^dist\/a\.js imports commander, which openclaw-rl-limiter does not have; expected one of ioredis, /,
    );
  });
});
