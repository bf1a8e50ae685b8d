import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { LEASE_SWITCHES } from '../../src/limiter/strategies/lease/protocol.ts';
import { EXPLORED } from '../support/lease/configurations.ts';
import { type Conviction, judgeLease, judgePlanted } from '../support/simulated/convict.ts';
import { writeSection } from '../support/simulated/convictions-page.ts';
import { simulatedStates } from '../support/simulated/few-tokens.ts';
import type { Rule } from '../support/simulated/lease-rules.ts';
import { SCENARIOS } from '../support/simulated/lease-scenarios.ts';
import { exploredStates } from '../support/simulated/lease-states.ts';
import { hasTwin, PLANTED, type Planted } from '../support/simulated/planted.ts';

const SEEDS = Array.from({ length: Number(process.env.SEEDS ?? 10) }, (_, at) => at + 1);
const RULES = Object.keys(LEASE_SWITCHES) as Rule[];

it('simulated limiters that are broken are convicted; docs/results/simulated-convictions.md says by what', async () => {
  const rules: string[] = [];
  for (const rule of RULES) rules.push(await rowOfRule(rule));
  const planted: string[] = [];
  for (const one of PLANTED) planted.push(await rowOfPlanted(one));
  writeSection(undefined, HEAD);
  writeSection('The lease protocol without each of its rules', `${RULES_HEAD}${rules.join('\n')}`);
  writeSection('Planted bugs', `${PLANTED_HEAD}${planted.join('\n')}`);
  writeSection('States of the lease protocol', await states());
});

const HEAD = `# Broken limiters in simulation

Written by \`npm run soak\`: [simulated](simulation.md) runs of limiters that are each broken in one known way, with the seeds 1 to ${SEEDS.length}.
*Convicted* says in how many of these runs, *after* how many requests of the first of them the first finding is, and *excess* how many
tokens above an ideal bucket it has. The limiter that is not broken runs under the same faults, load and seeds; *accused* says how often it is.

`;

const RULES_HEAD = `The rules are those of \`src/limiter/strategies/lease/protocol.ts\`, which says why each is there. What runs is the strategy and script that ship, with
one rule switched off. Every state of small configurations is in [the exploration](lease-exploration.md).

| rule | scenario | by | convicted | after | excess | accused |
| --- | --- | --- | --- | --- | --- | --- |
`;

const PLANTED_HEAD = `All of [planted bugs](planted-bugs.md). Where a strategy of this package has the defect, it is judged as it is, with no excess
allowed, and there is no limiter without it.

| bug | limiter | by | convicted | after | excess | accused |
| --- | --- | --- | --- | --- | --- | --- |
`;

async function rowOfRule(rule: Rule): Promise<string> {
  const without = await runs((seed) => judgeLease(rule, { seed, isRemoved: true }));
  const whole = await runs((seed) => judgeLease(rule, { seed, isRemoved: false }));
  expect(convicted(without), rule).toBeGreaterThan(0);
  expect(convicted(whole), rule).toBe(0);
  return `| ${[rule, SCENARIOS[rule].what, ...cells(without), convicted(whole)].join(' | ')} |`;
}

async function rowOfPlanted(planted: Planted): Promise<string> {
  const { name } = planted;
  const broken = await runs((seed) => judgePlanted(planted, { seed, isPlanted: true }));
  expect(convicted(broken), name).toBeGreaterThan(0);
  const whole = hasTwin(planted) && (await runs((seed) => judgePlanted(planted, { seed, isPlanted: false })));
  if (whole) expect(convicted(whole), name).toBe(0);
  return `| ${[name, limiterOf(planted), ...cells(broken), whole ? convicted(whole) : ''].join(' | ')} |`;
}

function limiterOf(planted: Planted): string {
  if ('strategy' in planted) return planted.strategy;
  return 'plugin' in planted
    ? `\`test/fixtures/limiters/scripted/${basename(planted.plugin.broken)}\``
    : 'lease';
}

async function runs(judge: (seed: number) => Promise<Conviction>): Promise<Conviction[]> {
  const made: Conviction[] = [];
  for (const seed of SEEDS) made.push(await judge(seed));
  return made;
}

function convicted(made: readonly Conviction[]): number {
  return made.filter(({ by }) => by.length > 0).length;
}

function cells(made: readonly Conviction[]): (string | number)[] {
  const first = made.find(({ by }) => by.length > 0);
  const of = `${convicted(made)} of ${made.length}`;
  if (first === undefined) return ['', of, '', ''];
  return [first.by.join(', '), of, `${first.after} of ${first.requests}`, first.excess.toFixed(1)];
}

async function states(): Promise<string> {
  const settings = EXPLORED.find(([what]) => what.startsWith('two holders'))?.[1];
  if (settings === undefined) throw new Error('there is no configuration with two holders');
  const explored = exploredStates(settings);
  const simulated = await simulatedStates(SEEDS);
  const shared = [...simulated].filter((state) => explored.has(state)).length;
  return `Of one token and two holders, without times, names and messages on their way ([how they are compared](lease-exploration.md#what-a-simulation-reaches)):

| states | |
| --- | --- |
| that the exploration has | ${explored.size} |
| that ${SEEDS.length} simulations reach | ${simulated.size} |
| in both | ${shared} |
| of the exploration only | ${explored.size - shared} |
| of the simulations only | ${simulated.size - shared} |
`;
}
