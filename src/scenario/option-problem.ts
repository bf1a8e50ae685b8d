import { definitionOf, type FaultSpec } from './faults/index.ts';
import type { Problem } from './problems.ts';

/** Keys of a scenario whose options have other names. */
const NAMES: Readonly<Record<string, string>> = {
  ...{ policies: 'policy', claims: 'claim', kind: 'topology', processes: 'load-processes' },
};

const SECTIONS: ReadonlySet<unknown> = new Set(['load', 'topology']);

/** A problem of a plan that options gave: the option and the error. `faults` are those of the plan. */
export function optionProblem({ path, text }: Problem, faults: readonly Pick<FaultSpec, 'fault'>[]): string {
  const [section, index] = path;
  const fault = section === 'faults' ? faults[Number(index)] : undefined;
  const before = fault === undefined ? Number(SECTIONS.has(section)) : 2;
  const [key, ...inside] = path.slice(before);
  if (key === undefined) return text;
  const own = fault && definitionOf(fault.fault).form.options.find((option) => option.key === key);
  const option = own?.flags.split(' ', 1)[0] ?? `--${NAMES[String(key)] ?? String(key)}`;
  const names = inside.filter((part) => typeof part === 'string'); // of the policy of a cost; not the place in a list
  return `${[option, ...names].join(' ')}: ${text}`;
}
