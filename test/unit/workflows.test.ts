import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Job, workflowErrors, workflowOf } from '../support/workflows.ts';

const FOLDER = join(import.meta.dirname, '../../.github/workflows');
const files = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }));
const textOf = (name: string) => files.find((file) => file.name === name)?.text ?? '';

/** Of organisations that publish them for GitHub and for Docker, by a major version. */
const KNOWN = /^(?:\.\/|(?:actions|docker)\/[a-z-]+@v\d+$)/;
const usesOf = ({ uses, steps = [] }: Job) =>
  [uses, ...steps.map((step) => step.uses)].filter((name) => name);

describe.each(files)('the workflow $name', ({ text }) => {
  it('is valid', async () => {
    expect(await workflowErrors(text)).toEqual([]);
  });

  it('uses no secret, and only actions that are known', () => {
    expect(text).not.toContain('secrets.');
    const used = Object.values(workflowOf(text).jobs).flatMap(usesOf);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((name) => !KNOWN.test(name ?? ''))).toEqual([]);
  });

  it('may write nothing unless a job says so', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n\n/m);
  });
});

describe('a workflow with a mistake', () => {
  it.each([
    { mistake: 'an unknown key', from: 'runs-on:', to: 'run-on:', says: /runs-on/ },
    { mistake: 'no jobs', from: 'jobs:', to: 'job:', says: /jobs/ },
    { mistake: 'an unknown value of the matrix', from: 'matrix.node', to: 'matrix.nod', says: /"nod"/ },
    {
      mistake: 'an expression that does not end',
      from: '.ref }}',
      to: '.ref',
      says: /expression|unexpected/,
    },
    {
      mistake: 'a job that is not there',
      from: '  all:\n',
      to: '  all:\n    needs: nod\n',
      says: /unresolved job nod/,
    },
    {
      mistake: 'a script that is none',
      from: 'run: bin/setup',
      to: 'run: if bin/setup',
      says: /syntax error/,
    },
    {
      mistake: 'an expression in a script',
      from: 'run: npm test',
      to: `run: echo \${{ github.ref_name }}`,
      says: /use env/,
    },
  ])('is found: $mistake', async ({ from, to, says }) => {
    const text = textOf('ci.yml');
    expect(text).toContain(from);
    const errors = await workflowErrors(text.replace(from, to));
    expect(errors.join('\n')).toMatch(says);
  });
});
