import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  designSections,
  issueNumbers,
  missingFiles,
  repositoryFiles,
  type SourceText,
  writtenTexts,
} from '../support/citations.ts';

const files = repositoryFiles();
const texts = writtenTexts(files);

/** What is found in the repository, with its file. */
function foundBy(find: (text: SourceText) => readonly string[]): readonly string[] {
  return texts.flatMap((text) => find(text).map((found) => `${text.file}: ${found}`));
}

const page = (text: string): SourceText => ({ file: 'docs/README.md', text });

describe('no text of the repository cites', () => {
  it('a section of the design', () => {
    expect(designSections(page(`the arrows of design ${11}, Design ${7}; a design of 3 parts`))).toEqual([
      `design ${11}`,
      `Design ${7}`,
    ]);
    expect(foundBy(designSections)).toEqual([]);
  });

  it('an issue by its number', () => {
    const others = `valkey-io/valkey#774, escaped valkey-io/valkey\\#${774} &#39;\n\`\`\`text\n  #${1} allowed\n\`\`\`\n`;
    expect(issueNumbers(page(`Issue ${2} and #${12}; ${others}`))).toEqual([`Issue ${2}`, `#${12}`]);
    expect(foundBy(issueNumbers)).toEqual([]);
  });

  it('a file that is not there', () => {
    const docs = 'docs';
    const [path, name, source, bare] = [`${docs}/gone.md`, 'PLAN.md', 'gone.ts', `${docs}/also/gone.md`];
    const known = '`README.md`, `src/core/errors.ts`, `errors.ts`, docs/verdict.md, `a/b.ts`, `report.md`';
    expect(missingFiles(page(`${known}, \`${path}\`, \`${name}\`, \`${source}\`, (${bare})`), files)).toEqual(
      [path, name, source, bare],
    );
    expect(foundBy((text) => missingFiles(text, files))).toEqual([]);
  });
});

describe('docs/decisions', () => {
  const decisions = texts.filter(({ file }) => /^docs\/decisions\/(?!README)/.test(file));
  const index = texts.find(({ file }) => file === 'docs/decisions/README.md')?.text ?? '';

  it('has 20 to 30 files, numbered without gaps', () => {
    expect(decisions.length).toBeGreaterThanOrEqual(20);
    expect(decisions.length).toBeLessThanOrEqual(30);
    const numbers = decisions.map(({ file }) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(basename(file))?.[1]);
    expect(numbers).toEqual(decisions.map((_, at) => String(at + 1).padStart(4, '0')));
  });

  it.each(decisions)('has a short file of the common form: $file', ({ file, text }) => {
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(60);
    expect(text).toMatch(
      /^# .+\n\n- Status: (accepted|superseded by \d{4})\n- Date: \d{4}-\d\d-\d\d\n\n## Context\n/,
    );
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(
      expect.arrayContaining(['Context', 'Decision', 'Evidence', 'Alternatives', 'Trade-off']),
    );
    expect(index).toContain(`](${basename(file)}): `);
  });
});
