import { basename, dirname, resolve } from 'node:path';
import { nearest } from '../../core/did-you-mean.ts';
import { invalidOption, OpenclawError } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { DEFAULT_STRATEGY, type StrategyName } from '../../core/strategies.ts';
import { type OtherLimiter, parseScenario, type TopologyInstead } from '../../scenario/parse.ts';
import type { Plan } from '../../scenario/plan.ts';
import type { FailureFlags, HomesFlag, InstancesFlag } from '../flags/options.ts';
import type { Environment } from '../process/environment.ts';
import { readTextFile } from './read-file.ts';
import { isScenarioName, namesLike, scenarioFile, scenarioNames } from './scenario-names.ts';

/** Values that replace those of a scenario. */
export interface Instead extends FailureFlags, InstancesFlag, HomesFlag {
  readonly seed?: number;
  readonly strategy?: StrategyName;
  /** Its file is an absolute path. */
  readonly limiter?: OtherLimiter;
  readonly topology?: TopologyInstead;
  /** Another limiter decides. */
  readonly isExternal?: true;
}

/** The plan of a scenario: a file, or a built-in name. Throws INVALID_SCENARIO with all mistakes. */
export async function readScenario(
  scenario: string,
  instead: Instead,
  { cwd }: Pick<Environment, 'cwd'>,
): Promise<Plan> {
  if (instead.homes && /\.json$|^\s*\{/i.test(scenario))
    throw invalidOption(
      `--homes takes no file here; found ${quoted(scenario)}`,
      'leave the file out: a run reads the table from its cluster',
    );
  const isName = isScenarioName(scenario);
  const path = isName ? scenarioFile(scenario) : resolve(cwd, scenario);
  const text = await readTextFile(path).catch(async (error: Error) => {
    throw isName ? await unknownName(scenario) : unreadable(scenario, error);
  });
  const file = isName ? basename(path) : scenario;
  const plan = parseScenario(text, { file, ...instead });
  return besideFile(plan, dirname(path));
}

/** The files of a plug-in and of a log are relative to that of the scenario, and commands run beside it. */
function besideFile(plan: Plan, folder: string): Plan {
  const { limiter, load, faults } = plan;
  return {
    ...plan,
    ...(limiter !== undefined && { limiter: resolve(folder, limiter) }),
    ...(load.log && { load: { ...load, log: { ...load.log, file: resolve(folder, load.log.file) } } }),
    faults: faults.map((fault) => (fault.fault === 'command' ? { ...fault, cwd: folder } : fault)),
  };
}

/** The names of the built-in scenarios that fix no strategy, limiter, failure policy or topology other than the defaults. */
export async function scenariosForAnyStrategy(): Promise<string[]> {
  const names = await scenarioNames();
  const texts = await Promise.all(names.map((name) => readTextFile(scenarioFile(name))));
  const other = new RegExp(
    `^((limiter|onFailure|strategy)| {2}kind): (?!(${DEFAULT_STRATEGY}|closed|cluster)$)`,
    'm',
  );
  return names.filter((_name, at) => !other.test(texts[at] ?? ''));
}

async function unknownName(name: string): Promise<OpenclawError> {
  const names = await namesLike(name);
  const close = nearest(name, names);
  const meant = close === undefined ? '' : `; did you mean "${close}"?`;
  return new OpenclawError('INVALID_SCENARIO', `no scenario is called ${quoted(name)}${meant}`, {
    hint: `built-in scenarios: ${names.join(', ')}`,
  });
}

function unreadable(file: string, { message }: Error): OpenclawError {
  return new OpenclawError('INVALID_SCENARIO', `cannot read ${quoted(file)}: ${message}`, {
    hint: 'expected a YAML file, or a built-in scenario like baseline',
  });
}
