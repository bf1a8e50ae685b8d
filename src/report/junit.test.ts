import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderAnnotations } from './annotations.ts';
import { makeCheckDocument } from './check-report.ts';
import { judgeAgain } from './judge-again.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { parseReport } from './schema.ts';
import { renderVerdict } from './verdict-text.ts';

const FIXTURES = join(import.meta.dirname, '../../test/fixtures/runs');
const kept = (name: string) => parseReport(readFileSync(join(FIXTURES, name, 'report.json'), 'utf8'), name);
const [article, central] = [kept('article'), kept('central')];
const disturbed = {
  ...central,
  accounts: [
    { verdict: 'unknown' as const, reason: '3 of 9 requests sent are missing from the history' },
    { verdict: 'unknown' as const, reason: 'the run was interrupted' },
    { verdict: 'unknown' as const, reason: 'not responding at the end of the run: us-east-0' },
  ],
};

const namesOf = (xml: string) =>
  [...xml.matchAll(/<testcase classname="([^"]*)" name="([^"]*)"/g)].map(([, of, name]) => `${of}: ${name}`);

describe('JUnit', () => {
  it('has the same names in every run: the claims as they are asked', () => {
    const names = namesOf(renderJunit(central));
    expect(names).toEqual([
      'openclaw-rl bench: total-excess &lt;= 0',
      'openclaw-rl bench: false-denials &lt;= 0',
      'openclaw-rl bench: replay &lt;= 0',
      'openclaw-rl bench: info &lt;= 5%',
      'openclaw-rl bench: failed &lt;= 5%',
      'openclaw-rl bench: contested &gt;= 80%',
      'openclaw-rl bench: all requests are accounted for',
      'openclaw-rl bench: nothing weakens the evidence',
    ]);
    for (const other of [article, disturbed]) expect(namesOf(renderJunit(other))).toEqual(names);
  });

  it('says in a failure or an error what was measured, and in the output what holds', () => {
    const xml = renderJunit(article);
    expect(xml).toMatch(
      /name="total-excess &lt;= 0" time="0"><failure type="correctness" message="2 buckets over-admitted; ([^"]*)">2 buckets over-admitted; \1<\/failure>/,
    );
    expect(xml).toMatch(/ok all 2224 requests sent are accounted for: 252 allowed/);
    expect(renderJunit(disturbed)).toMatch(
      /name="nothing weakens the evidence" time="0"><error type="evidence" message="the run was interrupted; not responding at/,
    );
  });

  it('says of a simulation in the names and in the verdict that it is one', () => {
    const xml = renderJunit({ ...central, simulated: true });
    expect(xml).toContain('<testsuite name="openclaw-rl bench, simulated" ');
    expect(xml).toContain('<property name="verdict" value="pass, simulated"/>');
    for (const name of namesOf(xml)) expect(name).toMatch(/^openclaw-rl bench, simulated: /);
    expect(renderJunit(central)).not.toContain('simulated');
  });

  it('has the codes of the reasons as properties', () => {
    const reasons = [{ reason: 'race', sentence: 'read-then-write race: ...' }];
    expect(renderJunit({ ...article, reasons })).toContain('<property name="reason" value="race"/>');
    expect(renderJunit(article)).not.toContain('name="reason"');
  });

  it('U2: says which denials are not judged, as every other output does', () => {
    const sentence = 'denials: fixed-window:20/4s:first does not say when its windows start';
    const document = { ...central, notJudged: [sentence] };
    const outputs = {
      junit: renderJunit(document),
      terminal: renderVerdict(document, { colour: false }),
      markdown: renderMarkdown(document).replaceAll('*', ''),
      annotations: renderAnnotations(document).replace('::denials', ' denials'),
      json: JSON.stringify(parseReport(JSON.stringify(document), 'it')).replace(
        'notJudged":["',
        'not judged ',
      ),
    };
    for (const [name, text] of Object.entries(outputs))
      expect(text, name).toContain(`not judged ${sentence}`);
  });

  it('says when the run began, and how long its load was', () => {
    expect(renderJunit(central)).toMatch(/<testsuite [^>]* timestamp="2026-11-25T04:20:09" time="7\.093" /);
  });

  it.each([
    { startedAt: '2026-11-25T05:20:09.5+01:00', says: ' timestamp="2026-11-25T04:20:09"' },
    { startedAt: 'yesterday"', says: '' },
    { startedAt: undefined, says: '' },
  ])('of a history that began at $startedAt says so, in UTC, or nothing', ({ startedAt, says }) => {
    const { format: _run, startedAt: _ofRun, ...check } = central;
    const facts = { command: 'check', strategy: 'central', policies: {}, seed: 1, initial: 'full' } as const;
    const document = makeCheckDocument({ ...facts, ...(startedAt && { startedAt }) }, check);
    expect(renderJunit(document)).toContain(` hostname="localhost"${says} time="7.025" tests=`);
  });

  it.each([
    { title: 'a run that passes', report: central },
    { title: 'one that fails', report: article },
    { title: 'one that was disturbed', report: disturbed },
    { title: 'a claim that is unknown', report: judgeAgain(central, ['failed <= 0% during kill']) },
  ])('has the elements and attributes of the schema of Ant: $title', ({ report }) => {
    expect(elementsOf(renderJunit(report)).filter((element) => !isInSchema(element))).toEqual([]);
  });
});

/** Ant's JUnit.xsd: the children of each element in their order, and its attributes. */
const SCHEMA: Readonly<Record<string, { children: RegExp; needs: string; takes?: string }>> = {
  testsuites: { children: /^(testsuite )*$/, needs: '' },
  testsuite: {
    children: /^properties (testcase )*system-out system-err $/,
    needs: 'name timestamp hostname tests failures errors time package id',
    takes: 'skipped',
  },
  properties: { children: /^(property )*$/, needs: '' },
  property: { children: /^$/, needs: 'name value' },
  testcase: { children: /^((skipped|error|failure) )?$/, needs: 'name classname time' },
  failure: { children: /^$/, needs: 'type', takes: 'message' },
  error: { children: /^$/, needs: 'type', takes: 'message' },
  'system-out': { children: /^$/, needs: '' },
  'system-err': { children: /^$/, needs: '' },
};

interface Element {
  readonly name: string;
  readonly attributes: readonly string[];
  children: string;
}

function elementsOf(xml: string): Element[] {
  const all: Element[] = [];
  const open: Element[] = [];
  for (const [, end = '', name = '', attributes = '', self = ''] of xml.matchAll(
    /<(\/?)([a-z-]+)((?: [a-z]+="[^"]*")*)(\/?)>/g,
  )) {
    if (end === '/') {
      expect(open.pop()?.name).toBe(name);
      continue;
    }
    const parent = open.at(-1);
    if (parent !== undefined) parent.children += `${name} `;
    const element = {
      name,
      attributes: [...attributes.matchAll(/ ([a-z]+)=/g)].map(([, attribute = '']) => attribute),
      children: '',
    };
    all.push(element);
    if (self === '') open.push(element);
  }
  expect([open, all[0]?.name]).toEqual([[], 'testsuites']);
  return all;
}

function isInSchema({ name, attributes, children }: Element): boolean {
  const rule = SCHEMA[name];
  if (rule === undefined) return false;
  const needed = rule.needs.split(' ').filter((attribute) => attribute !== '');
  const known = new Set([...needed, ...(rule.takes ?? '').split(' ')]);
  const isWhole = needed.every((attribute) => attributes.includes(attribute));
  return rule.children.test(children) && isWhole && attributes.every((attribute) => known.has(attribute));
}

it.each([
  { format: 'Markdown', render: renderMarkdown },
  { format: 'JUnit', render: renderJunit },
])('$format has each operation of a proof on one line', ({ render }) => {
  const operations = render(article).match(/^ {4}#\d+ .*$/gm) ?? [];
  expect(operations.length).toBeGreaterThan(5);
  for (const line of operations) expect(line).toMatch(/\|[ =]{40}\|/);
  expect(render(article)).toMatch(/^ {2}bucket ratings:u1: .*tokens/m);
});
