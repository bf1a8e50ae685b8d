import { claimForStrategy } from '../checker/claims/default-claims.ts';
import { given } from '../core/given.ts';
import { fileName } from '../core/plugin-name.ts';
import { quoted } from '../core/printable.ts';
import { placeProblem, readDocument } from './document.ts';
import { invalidScenario, readPlan } from './make-plan.ts';
import type { Plan } from './plan.ts';

export interface ScenarioFile {
  /** The path as the user wrote it; the base name without `.yaml` is the scenario's name. */
  readonly file: string;
  /** Instead of the scenario's own. */
  readonly seed?: number;
  /** Instead of the scenario's own strategy or plug-in. */
  readonly strategy?: string;
  /** Instead of the scenario's own strategy or plug-in, and of its claims. */
  readonly limiter?: OtherLimiter;
  /** Instead of the same keys of the scenario's topology. */
  readonly topology?: TopologyInstead;
  readonly onFailure?: string;
  readonly instances?: number;
  readonly homes?: true;
  /** The limiter is an audited one. */
  readonly isExternal?: true;
}

/** The file of a plug-in, and the claims by which it is judged. */
export interface OtherLimiter {
  readonly file: string;
  readonly claims: readonly string[];
}

export interface TopologyInstead {
  readonly kind?: string;
  readonly persistence?: string;
}

/**
 * Reads the text of a scenario's file and draws its plan. Throws INVALID_SCENARIO with every problem, each as
 * `file:line:column path: what was expected and what was found`.
 */
export function parseScenario(text: string, { file, seed, isExternal, ...instead }: ScenarioFile): Plan {
  const document = readDocument(text);
  const scenario = scenarioName(file);
  const about = aboutOf(text);
  const title = {
    scenario: scenario ?? '',
    about: about ?? '',
    file: fileName(file),
    ...given({ seed, isExternal }),
  };
  const value = replaced(document.value, instead);
  const drawn = document.problems.length === 0 ? readPlan(value, title) : NOT_DRAWN;
  const problems = [
    ...(scenario === undefined ? [{ line: 1, column: 1, text: NAME_EXPECTED }] : []),
    ...(about === undefined ? [{ line: 1, column: 1, text: aboutExpected(text) }] : []),
    ...document.problems,
    ...drawn.problems.map((problem) => placeProblem(problem, document)),
  ];
  if (drawn.plan !== undefined && problems.length === 0) return drawn.plan;
  const inOrder = problems.sort((a, b) => a.line - b.line || a.column - b.column);
  throw invalidScenario(inOrder.map(({ line, column, text: what }) => `${file}:${line}:${column} ${what}`));
}

function replaced(
  value: unknown,
  { limiter: other, topology, ...instead }: Omit<ScenarioFile, 'file' | 'seed' | 'isExternal'>,
): unknown {
  if (!isMapping(value)) return value;
  const placed = topology === undefined ? value : onTopology(value, topology);
  if (other !== undefined)
    return { ...withoutLimiter(placed), ...instead, limiter: other.file, claims: other.claims };
  const { limiter, claims, ...rest } = placed as Record<string, unknown>;
  const { strategy } = instead;
  if (strategy === undefined) return { ...placed, ...instead };
  const isAnother = (value as { strategy?: unknown }).strategy !== strategy;
  const itsClaims =
    isAnother && Array.isArray(claims) ? claims.map((claim) => claimForStrategy(claim, strategy)) : claims;
  return { ...rest, ...(claims !== undefined && { claims: itsClaims }), ...instead };
}

function onTopology(value: object, instead: TopologyInstead): object {
  const { topology = {} } = value as { topology?: unknown };
  return isMapping(topology) ? { ...value, topology: { ...topology, ...instead } } : value; // else: a problem of its own
}

function withoutLimiter(value: object): object {
  const { strategy: _, onFailure: __, homes: ___, ...rest } = value as Record<string, unknown>;
  return rest;
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const NOT_DRAWN = { plan: undefined, problems: [] };

const NAME_EXPECTED =
  'expected a file name of letters, digits, -, _ and . that ends in .yaml; runs are named after the file';

/** Runs, so folders, are named after the file. */
function scenarioName(file: string): string | undefined {
  return /(?:^|[/\\])(\w[\w.-]{0,63}?)\.ya?ml$/.exec(file)?.[1];
}

/** The comment in the first line. */
function aboutOf(text: string): string | undefined {
  const about = /^\uFEFF?#+[ \t]*([^\p{Cc}]*)/u.exec(text)?.[1]?.trim() ?? '';
  return about === '' || about.length > LONGEST_ABOUT || /^yaml-language-server:/.test(about)
    ? undefined
    : about;
}

function aboutExpected(text: string): string {
  const [first = ''] = text.split(/\r?\n/, 1);
  return `the first line must be a comment that describes the scenario (at most ${LONGEST_ABOUT} characters); found ${quoted(first)}`;
}

const LONGEST_ABOUT = 200;
