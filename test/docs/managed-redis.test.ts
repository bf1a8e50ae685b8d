import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseEndpoints } from '../../src/scenario/endpoints/parse.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import { blocksOn, MANAGED_PAGE, textOf } from '../support/doc-blocks.ts';

const page = textOf(MANAGED_PAGE);
const blocks = blocksOn(MANAGED_PAGE, 'yaml').map(({ text }) => ({ text, value: parse(text) }));
const MARK = /(?:: read|: excerpt, 2026-11-27|\| not seen, 2026-11-27) \|$/;

/** The rows of the tables whose third column says where the second is from. */
function sourcedRows(markdown: string): readonly string[] {
  return [
    ...markdown.matchAll(/^\| subject \| documented \| source \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)/gm),
  ].flatMap(([, rows = '']) => rows.trimEnd().split('\n'));
}

describe(MANAGED_PAGE, () => {
  it('marks where each statement of a vendor is from', () => {
    const rows = sourcedRows(page);
    expect(rows.length).toBeGreaterThan(35);
    expect(rows.filter((row) => !MARK.test(row))).toEqual([]);
    const unlinked = rows.filter((row) => !/\]\(https:|not seen/.test(row));
    expect(unlinked).toEqual([]);
  });

  it('has figures of the matrix only', () => {
    const matrix = textOf('docs/results/matrix.md');
    const figures = [...page.matchAll(/\b\d[\d,]*\.\d{3}\b/g)].map(([figure]) => figure.replace(',', ''));
    expect(figures.length).toBeGreaterThan(5);
    expect(figures.filter((figure) => !matrix.includes(` ${figure} `))).toEqual([]);
  });

  it('has endpoints of all their regions', () => {
    const files = blocks
      .filter(({ value }) => 'regions' in value)
      .map(({ text }) => parseEndpoints(text, 'endpoints.yaml'));
    expect(files).toHaveLength(2);
    for (const { regions, nodes, services, tls } of files) {
      expect(regions).toEqual(['us-east', 'eu-west']);
      if (nodes.length === 0) expect(Object.keys(services)).toEqual(regions);
      else expect([nodes.length, tls]).toEqual([1, { ca: 'ca.pem' }]);
    }
  });

  it('has a scenario with a command that is undone, and a plan without it', () => {
    const scenarios = blocks.filter(({ value }) => 'faults' in value);
    expect(scenarios).toHaveLength(1);
    for (const { text, value } of scenarios) {
      const { faults, ...rest } = value;
      expect(faults.map(({ fault }: { fault: string }) => fault)).toEqual(['command']);
      const aws = expect.stringMatching(/^aws elasticache /);
      expect(faults[0]).toMatchObject({ inject: aws, heal: aws, until: aws, proof: expect.any(String) });
      const about = text.split('\n')[0];
      expect(parseScenario(`${about}\n${stringify(rest)}`, { file: 'mine.yaml' }).faults).toEqual([]);
    }
  });
});
