import type { z } from 'zod';
import { quoted } from '../core/errors.ts';
import type { IssueDetail } from './fields.ts';
import { didYouMean } from './suggestion.ts';

export type Path = readonly PropertyKey[];

/** One thing that is wrong with a scenario. */
export interface Problem {
  /** Keys and indices from the top of the scenario; empty: all of it. */
  readonly path: Path;
  /** It is the last key of the path that is wrong, not its value. */
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

/** `faults[0].at`; keys that are no plain words are quoted. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key);
    if (!/^[\w-]{1,60}$/.test(name)) return `${text}[${quoted(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

/** `expected a; found b`, with the nearest of the possible names if what was found looks like a slip. */
export function expectedFound({ expected, found, names = [] }: Expectation): string {
  return `expected ${expected}; found ${foundText(found)}${didYouMean(found, names)}`;
}

interface Expectation {
  readonly expected: string;
  readonly found: unknown;
  /** All that was possible, where those are names. */
  readonly names?: readonly string[];
}

function describe(issue: z.core.$ZodIssue, value: unknown): Problem[] {
  const { path, message } = issue;
  if (issue.code === 'unrecognized_keys') {
    const known = message.split(', ');
    return issue.keys.map((key) => ({
      path: [...path, key],
      isKey: true,
      text: `unknown key ${quoted(key)}${didYouMean(key, known) || `; known are ${message}`}`,
    }));
  }
  if (issue.code === 'invalid_key') {
    const found = String(path.at(-1));
    return [{ path, isKey: true, text: expectedFound({ expected: message, found }) }];
  }
  const detail: IssueDetail = issue.code === 'custom' ? (issue.params ?? {}) : {};
  if (detail.isSentence === true) return [{ path, text: message }];
  if (detail.found !== undefined) return [{ path, text: `expected ${message}; found ${detail.found}` }];
  return [
    { path, text: expectedFound({ expected: message, found: valueAt(value, path), names: namesOf(issue) }) },
  ];
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
