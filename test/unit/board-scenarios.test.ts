import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BOARD_SCENARIOS } from '../../src/core/board-terms.ts';
import { parseScenario } from '../../src/scenario/parse.ts';

const FOLDER = join(import.meta.dirname, '../../scenarios/scoreboard');
const textOf = (id: string) => readFileSync(join(FOLDER, `${id}.yaml`), 'utf8');
const planOf = (id: string, more: object = {}) => parseScenario(textOf(id), { file: `${id}.yaml`, ...more });

it('are the scenarios of the scoreboard', () =>
  expect(readdirSync(FOLDER).sort()).toEqual(BOARD_SCENARIOS.map((id) => `${id}.yaml`).sort()));

describe.each(BOARD_SCENARIOS)('the scenario %s of the scoreboard', (id) => {
  it('begins with its question, its schema and what is expected', () => {
    const [why, schema, , ...rest] = textOf(id).split('\n');
    expect(why).toBe(`# ${planOf(id).about}`);
    expect(why).toMatch(/\?$/);
    expect(schema).toBe('# yaml-language-server: $schema=../scenario.schema.json');
    expect(rest.filter((line) => line.startsWith('# ')).length).toBeGreaterThanOrEqual(2);
  });

  it('has the load and the policy that all have, and faults from 4 s to 12 s', () => {
    const { load, policy, faults } = planOf(id);
    expect([policy, load.mode, load.ratePerSecond, load.durationMs]).toEqual(['20:5/s', 'open', 300, 16_000]);
    expect(load.peaks).toEqual({ ratePerSecond: 1_500, everyMs: 4_000, forMs: 500 });
    expect([load.users, load.roaming]).toEqual(id === 'hot-user' ? [1, 1] : [20, 0.5]);
    for (const { atMs, forMs } of faults) {
      expect(atMs).toBeGreaterThanOrEqual(4_000);
      expect(atMs + forMs).toBeLessThanOrEqual(12_000);
    }
  });

  it('is judged by a bound, and wants a contested user', () => {
    const { claims } = planOf(id);
    expect(claims).toEqual(expect.arrayContaining(['total-excess <= bound', 'contested >= 50%']));
  });

  it('is possible with one server, unless a replica takes over', () => {
    const { topology } = planOf(id, { topology: { kind: 'single', persistence: 'aof' } });
    expect(topology).toMatchObject({ kind: 'single', replicas: 0, persistence: 'aof' });
  });

  it('puts another limiter in the place of its strategy and claims', () => {
    const plan = planOf(id, {
      limiter: { file: '/x/mine.mjs', claims: ['windows <= 0', 'contested >= 50%'] },
    });
    expect(plan).toMatchObject({ limiter: '/x/mine.mjs', strategy: 'plugin:mine.mjs' });
    expect(plan.claims).not.toContain('total-excess <= bound');
  });
});
