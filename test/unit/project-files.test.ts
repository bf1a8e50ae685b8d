import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formOf, mistakesIn } from '../support/github-files.ts';
import { brokenLinks } from '../support/links.ts';
import { ROOT } from '../support/readme.ts';

const FORMS = '.github/ISSUE_TEMPLATE';
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const forms = readdirSync(join(ROOT, FORMS)).filter((name) => name !== 'config.yml');
const [BUG, WRONG, DEPENDABOT] = [
  `${FORMS}/bug.yml`,
  `${FORMS}/verdict-is-wrong.yml`,
  '.github/dependabot.yml',
];

describe('the files that GitHub reads', () => {
  it('are those of the list', () => {
    expect(forms.sort()).toEqual(['bug.yml', 'feature.yml', 'verdict-is-wrong.yml']);
  });

  it.each([
    ...forms.map((name) => ({ file: `${FORMS}/${name}`, kind: 'form' as const })),
    { file: `${FORMS}/config.yml`, kind: 'chooser' as const },
    { file: DEPENDABOT, kind: 'dependabot' as const },
  ])('have no mistake: $file', ({ file, kind }) => expect(mistakesIn(kind, textOf(file))).toEqual([]));

  it.each([
    { kind: 'form', file: BUG, from: 'name: Bug', to: '', says: 'name: ' },
    { kind: 'form', file: BUG, from: 'name: Bug', to: 'name: " "', says: 'name: it is blank' },
    { kind: 'form', file: BUG, from: 'labels:', to: 'label:', says: 'Unrecognized key: "label"' },
    { kind: 'form', file: BUG, from: 'type: input', to: 'type: text', says: 'body.5.type: ' },
    { kind: 'form', file: BUG, from: 'id: system', to: 'id: expected', says: 'two fields have the same id' },
    {
      kind: 'form',
      file: BUG,
      from: 'label: Version',
      to: 'label: What happened?',
      says: 'have the same label',
    },
    { kind: 'form', file: BUG, from: 'required: true', to: 'required: yes!', says: 'expected boolean' },
    { kind: 'form', file: BUG, from: 'render: Shell', to: 'reder: Shell', says: '"reder"' },
    {
      kind: 'form',
      file: WRONG,
      from: '- fail, but the limiter is correct',
      to: '- "yes"',
      says: 'refuses this option',
    },
    {
      kind: 'form',
      file: WRONG,
      from: '          required: true\n        - label: I ran',
      to: '          require: true\n        - label: I ran',
      says: '"require"',
    },
    {
      kind: 'chooser',
      file: `${FORMS}/config.yml`,
      from: 'false',
      to: 'false\ncontact_links: [{ name: a, about: b, url: ../x }]',
      says: 'contact_links.0.url',
    },
    { kind: 'dependabot', file: DEPENDABOT, from: 'version: 2', to: 'version: 1', says: 'version: ' },
    {
      kind: 'dependabot',
      file: DEPENDABOT,
      from: 'interval: weekly',
      to: 'interval: hourly',
      says: 'schedule.interval: ',
    },
    { kind: 'dependabot', file: DEPENDABOT, from: 'cooldown:', to: 'cool-down:', says: '"cool-down"' },
    { kind: 'dependabot', file: DEPENDABOT, from: 'directory: /', to: 'directory: .', says: 'directory: ' },
  ] as const)('with a mistake are refused: $to in $file', ({ kind, file, from, to, says }) => {
    const text = textOf(file);
    expect(text).toContain(from);
    expect(mistakesIn(kind, text.replace(from, to)).join('\n')).toContain(says);
  });

  it('name packages that there are', () => {
    const { devDependencies } = JSON.parse(textOf('package.json'));
    const named = [...textOf(DEPENDABOT).matchAll(/dependency-name: "?([^"\s]+)/g)].map(
      ([, name = '']) => name,
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !(name in devDependencies))).toEqual([]);
  });
});

describe('the form for a wrong verdict', () => {
  const { body } = formOf(textOf(WRONG));
  const required = body.flatMap((one) => ('validations' in one && one.validations?.required ? [one.id] : []));

  it('requires the line that repeats the run, the verdict, and the history or its certificate', () => {
    expect(required).toEqual(expect.arrayContaining(['again', 'verdict', 'evidence', 'why', 'version']));
  });

  it('takes files where it asks for them: a field that is rendered as code takes none', () => {
    const evidence = body.find((one) => 'id' in one && one.id === 'evidence');
    expect(evidence?.type).toBe('textarea');
    expect(evidence?.attributes).not.toHaveProperty('render');
  });
});

/** Links that GitHub resolves from the page that shows a text, as the page to write an issue, below `<repository>/`. */
function linksOfRepository(text: string, up: string): string[] {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return links.filter((target) => target.startsWith(up)).map((target) => target.slice(up.length));
}

const PRIVATE = 'security/advisories/new';

describe('links', () => {
  it.each([...forms.map((name) => `${FORMS}/${name}`), '.github/PULL_REQUEST_TEMPLATE.md'])(
    'of %s lead to pages that there are, or to the private form',
    (file) => {
      const text = textOf(file);
      const pages = linksOfRepository(text, '../').filter((link) => link !== PRIVATE);
      const wrong = pages.filter((link) => !link.startsWith('blob/HEAD/'));
      const broken = brokenLinks('README.md', pages.map((link) => `[](${link.slice(10)})`).join('\n'));
      expect([wrong, broken]).toEqual([[], []]);
      for (const [, form = ''] of text.matchAll(/\]\(\?template=([\w.-]+)\)/g))
        expect(existsSync(join(ROOT, FORMS, form)), form).toBe(true);
    },
  );

  it('to what is gone are seen', () => {
    const broken = brokenLinks('README.md', '[](docs/verdict.md#gone) [](docs/gone.md)');
    expect(broken).toEqual(['docs/verdict.md#gone', 'docs/gone.md']);
  });

  it.each(['SECURITY.md', 'CODE_OF_CONDUCT.md'])('of %s lead to pages, and to the private form', (file) => {
    const text = textOf(file);
    expect(linksOfRepository(text, '../../')).toEqual([PRIVATE]);
    expect(brokenLinks(file, text.replace(`../../${PRIVATE}`, file))).toEqual([]);
  });

  it.each(['SECURITY.md', 'CODE_OF_CONDUCT.md'])('%s names no person and no address', (file) => {
    expect(textOf(file)).not.toMatch(/@|https?:/);
  });
});
