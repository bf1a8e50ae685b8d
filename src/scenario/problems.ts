import type { z } from 'zod';
import { quoted } from '../core/printable.ts';
import type { IssueDetail } from './fields.ts';
import { didYouMean } from './suggestion.ts';

export type Path = readonly PropertyKey[];

/** One error in a scenario. */
export interface Problem {
  /** Keys and indices from the top of the scenario; empty: the whole scenario. */
  readonly path: Path;
  /** The last key of the path is wrong, not its value. */
  readonly isKey?: boolean;
  /** What was expected and what was found. */
  readonly text: string;
}

/** The problems that the schema found in this value, one for each path and message. */
export function problemsOf({ issues }: z.ZodError, value: unknown): Problem[] {
  const problems = issues.flatMap((issue) => describe(issue, value));
  const different = new Map(
    problems.map((problem) => [`${pathText(problem.path)} ${problem.text}`, problem]),
  );
  return [...different.values()];
}

/** The path and the error, on one line. */
export function problemText({ path, text }: Problem): string {
  return path.length === 0 ? text : `${pathText(path)}: ${text}`;
}

/** `faults[0].at`; keys other than plain words are quoted. */
function pathText(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key);
    if (!/^[\w-]{1,60}$/.test(name)) return `${text}[${quoted(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

/** `expected a; found b`, with the nearest of the possible names if `b` looks like a typo. */
export function expectedFound({ expected, found, names = [] }: Expectation): string {
  return `expected ${expected}; found ${foundText(found)}${didYouMean(found, names)}`;
}

interface Expectation {
  readonly expected: string;
  readonly found: unknown;
  /** All possible names, if names were expected. */
  readonly names?: readonly string[];
}

function describe(issue: z.core.$ZodIssue, value: unknown): Problem[] {
  const { path, message } = issue;
  if (issue.code === 'unrecognized_keys') {
    const known = message.split(', ');
    return issue.keys.map((key) => ({
      path: [...path, key],
      isKey: true,
      text: `unknown key ${quoted(key)}${didYouMean(key, known) || `; known keys: ${message}`}`,
    }));
  }
  if (issue.code === 'invalid_union') {
    const inside = issue.errors.find((errors) => errors.length > 0 && errors.every(isInside));
    if (inside !== undefined)
      return inside.flatMap((error) => describe({ ...error, path: [...path, ...error.path] }, value));
  }
  if (issue.code === 'invalid_key') {
    const found = String(path.at(-1));
    return [{ path, isKey: true, text: expectedFound({ expected: message, found }) }];
  }
  if (issue.code === 'too_big' && issue.origin === 'array') {
    const { length } = valueAt(value, path) as unknown[];
    return [{ path, text: `expected ${message}; found ${length}` }];
  }
  const detail: IssueDetail = issue.code === 'custom' ? (issue.params ?? {}) : {};
  if (detail.isSentence === true) return [{ path, text: message }];
  if (detail.found !== undefined) return [{ path, text: `expected ${message}; found ${detail.found}` }];
  return [
    { path, text: expectedFound({ expected: message, found: valueAt(value, path), names: namesOf(issue) }) },
  ];
}

/** Whether the value has the form that was tried, and only a part of it is wrong. */
function isInside({ code, path }: z.core.$ZodIssue): boolean {
  return code === 'unrecognized_keys' || path.length > 0;
}

function namesOf(issue: z.core.$ZodIssue): string[] {
  const names: readonly unknown[] =
    'values' in issue ? issue.values : 'options' in issue ? (issue.options ?? []) : [];
  return names.filter((name) => typeof name === 'string');
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inside, key) =>
      typeof inside === 'object' && inside !== null && Object.hasOwn(inside, key)
        ? (inside as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );
}

function foundText(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' ? 'a mapping' : quoted(value);
}
