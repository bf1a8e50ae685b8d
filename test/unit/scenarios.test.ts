import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultClaims } from '../../src/checker/claims/default-claims.ts';
import { ONLY_SIMULATED } from '../../src/cli/files/scenario-names.ts';
import { planDigest } from '../../src/experiment/parts/plan-digest.ts';
import { usersOf } from '../../src/experiment/play-run.ts';
import { endpointsJsonSchema } from '../../src/scenario/endpoints/schema.ts';
import { scenarioJsonSchema } from '../../src/scenario/json-schema.ts';
import { parseScenario } from '../../src/scenario/parse.ts';
import type { Plan } from '../../src/scenario/plan.ts';
import { scenarioOf } from '../../src/scenario/to-document.ts';
import { MOST_REGIONS } from '../../src/topology/regions.ts';
import { DEFAULT_TOPOLOGY } from '../../src/topology/topology.ts';

const FOLDER = join(import.meta.dirname, '../../scenarios');

const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
const textOf = (file: string) => readFileSync(join(FOLDER, file), 'utf8');

const planOf = (file: string, seed?: number) =>
  parseScenario(textOf(file), { file: `scenarios/${file}`, ...(seed === undefined ? {} : { seed }) });

const TWO_CLAIMS = [
  'several-policies.yaml', // charging one policy although another denied shows as false denials
  'article-limiter.yaml', // a busy machine shows its false denials only
  'partition-one-region-blackhole.yaml', // of its excess, also in percent
];

/** Start and length of faults that differ from the others. */
const TIMES: Readonly<Record<string, readonly number[]>> = {
  'gateway-clock': [0, 20_000],
  'store-outage': [5_000, 5_000],
  'slow-store': [5_000, 10_000],
};

/** Of a scenario with several faults, one after another. */
const SEQUENCES: Readonly<Record<string, readonly (readonly number[])[]>> = {
  'home-moves.yaml': [
    [3_000, 3_000],
    [7_000, 3_000],
    [11_000, 4_000],
  ],
};

describe('the scenarios that come with it', () => {
  it('are there', () => expect(files.length).toBeGreaterThanOrEqual(15));

  it.each(files)('%s is a plan: first its description, then its schema, then the expected result', (file) => {
    const plan = planOf(file);
    expect(plan.scenario).toBe(file.replace('.yaml', ''));
    expect(JSON.stringify(planOf(file))).toBe(JSON.stringify(plan));
    const [why, schema, , ...rest] = textOf(file).split('\n');
    expect(why).toBe(`# ${plan.about}`);
    expect(plan.about).toMatch(/^[A-Z].{39,}[.?]$|exit code 1\.$/);
    expect(schema).toBe('# yaml-language-server: $schema=./scenario.schema.json');
    expect(rest.filter((line) => line.startsWith('# ')).length).toBeGreaterThanOrEqual(3);
  });

  it('have more regions than can be started if only a simulation can run them', () =>
    expect(
      files
        .filter((file) => planOf(file).topology.regions.length > MOST_REGIONS)
        .map((file) => file.replace('.yaml', '')),
    ).toEqual(ONLY_SIMULATED));

  const started = files.filter((file) => !ONLY_SIMULATED.includes(file.replace('.yaml', '')));
  it.each(started)('%s has the digest of the file that its parts read', (file) => {
    const digestOf = (plan: Plan) => planDigest({ plan, users: usersOf({ plan }), of: ['us-east'] });
    const plan = planOf(file);
    const document = scenarioOf(plan);
    expect(document.file).toBe(file);
    const again = parseScenario(document.text, { file });
    expect(digestOf(again)).toBe(digestOf(plan));
    const { roundTripMs: _, ...topology } = plan.topology;
    expect(again.topology).toMatchObject(topology);
    expect(plan.claims).toEqual(expect.arrayContaining([...again.claims]));
  });

  it.each(files)('%s claims one thing about correctness and wants evidence for it', (file) => {
    const { claims, strategy } = planOf(file);
    const several = file === 'several-policies.yaml'; // what it states is not judged
    const wanted = TWO_CLAIMS.includes(file) ? 2 : 1;
    const aboutCorrectness = /^(total-excess|worst-window|false-denials)/;
    expect(claims.filter((claim) => aboutCorrectness.test(claim))).toHaveLength(wanted);
    expect(claims.some((claim) => /<= \d+%$/.test(claim) && aboutCorrectness.test(claim))).toBe(
      file === 'partition-one-region-blackhole.yaml',
    );
    expect(claims.includes('dishonest <= 0')).toBe(!several);
    expect(claims).toContain(defaultClaims({ strategy }).at(-1));
    expect(claims.some((claim) => /^info <= \d+%$/.test(claim))).toBe(true);
  });

  it.each(files)('%s has time before and after its faults, or one fault all the time', (file) => {
    const { load, faults } = planOf(file);
    if (faults.length > 0) expect(load.durationMs).toBe(20_000);
    else expect(load.durationMs).toBeGreaterThanOrEqual(8_000);
    const wanted = SEQUENCES[file] ?? faults.map(({ fault }) => TIMES[fault] ?? [5_000, 8_000]);
    expect(faults.map(({ atMs, forMs }) => [atMs, forMs])).toEqual(wanted);
  });
});

describe.each([
  { of: 'scenarios', file: 'scenario.schema.json', make: scenarioJsonSchema, least: 13 },
  { of: 'endpoints files', file: 'endpoints.schema.json', make: endpointsJsonSchema, least: 4 },
])('the JSON Schema of $of for editors', ({ file, make, least }) => {
  it('is the one that the files are checked by (npx vitest run test/unit/scenarios.test.ts -u)', () =>
    expect(make()).toMatchFileSnapshot(join(FOLDER, file)));

  it('describes every key', () => {
    const undescribed: string[] = [];
    const visit = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      for (const [key, inside] of Object.entries(schema)) {
        if (key === 'properties') {
          for (const [name, property] of Object.entries(inside as Record<string, { description?: string }>)) {
            if (property.description === undefined) undescribed.push(`${path}.${name}`);
          }
        }
        visit(inside, key === 'properties' ? path : `${path}.${key}`);
      }
    };
    const schema: unknown = JSON.parse(make());
    visit(schema, '');
    expect(undescribed).toEqual([]);
    expect(JSON.stringify(schema).match(/"properties"/g)?.length).toBeGreaterThanOrEqual(least);
  });
});

it('has one set of defaults for scenarios and for clusters', () =>
  expect(parseScenario('# why\nclaims: [info <= 5%]', { file: 'bench.yaml' }).topology).toEqual(
    DEFAULT_TOPOLOGY,
  ));
