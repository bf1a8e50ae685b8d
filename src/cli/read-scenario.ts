import { basename, dirname, resolve } from 'node:path';
import { nearest } from '../checker/nearest.ts';
import { OpenclawError, quoted } from '../core/errors.ts';
import type { StrategyName } from '../limiter/create.ts';
import { parseScenario } from '../scenario/parse.ts';
import type { Plan } from '../scenario/plan.ts';
import type { Environment } from './environment.ts';
import type { FailureFlags } from './options.ts';
import { readTextFile } from './read-file.ts';
import { scenarioFile, scenarioNames } from './scenario-names.ts';
import { SCENARIO_RULES } from './scenario-rules.ts';

/** What takes the place of what a scenario says itself. */
export interface Instead extends FailureFlags {
  readonly seed?: number;
  readonly strategy?: StrategyName;
}

/** The plan of a scenario: a file, or the name of one that comes along. Throws INVALID_SCENARIO with all that is wrong. */
export async function readScenario(
  scenario: string,
  instead: Instead,
  { cwd }: Pick<Environment, 'cwd'>,
): Promise<Plan> {
  const isName = /^[\w-]+$/.test(scenario);
  const path = isName ? scenarioFile(scenario) : resolve(cwd, scenario);
  const text = await readTextFile(path).catch(async (error: Error) => {
    throw isName ? await unknownName(scenario) : unreadable(scenario, error);
  });
  const file = isName ? basename(path) : scenario;
  const plan = parseScenario(text, { file, ...instead }, SCENARIO_RULES);
  return plan.limiter === undefined ? plan : { ...plan, limiter: resolve(dirname(path), plan.limiter) };
}

/** The names of those that come along and are about no strategy or failure policy but the defaults. */
export async function scenariosForAnyStrategy(): Promise<string[]> {
  const names = await scenarioNames();
  const texts = await Promise.all(names.map((name) => readTextFile(scenarioFile(name))));
  return names.filter(
    (_name, at) => !/^(limiter|onFailure|strategy): (?!(central|closed)$)/m.test(texts[at] ?? ''),
  );
}

async function unknownName(name: string): Promise<OpenclawError> {
  const names = await scenarioNames();
  const close = nearest(name, names);
  const meant = close === undefined ? '' : `; did you mean "${close}"?`;
  return new OpenclawError('INVALID_SCENARIO', `no scenario is called ${quoted(name)}${meant}`, {
    hint: `those that come along: ${names.join(', ')}`,
  });
}

function unreadable(file: string, { message }: Error): OpenclawError {
  return new OpenclawError('INVALID_SCENARIO', `cannot read ${quoted(file)}: ${message}`, {
    hint: 'name a YAML file, or a scenario that comes along, like baseline',
  });
}
