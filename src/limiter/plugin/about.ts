import {
  BOARD_SCENARIOS,
  BOARD_TOPOLOGIES,
  type BoardScenario,
  type BoardTopology,
  isBoardScenario,
} from '../../core/board-terms.ts';
import { nearest } from '../../core/did-you-mean.ts';
import { quoted, shown } from '../../core/printable.ts';
import { refused } from './error.ts';

/** What a limiter is: the scoreboard shows it in its row. No run depends on it, but for `topology` and `skip` there. */
export interface LimiterAbout {
  /** As the table shows it, with its algorithm where the library has several. */
  readonly name: string;
  readonly language: string;
  /** A program and its arguments; in the folder of the file, it prints one line with the versions. */
  readonly version: readonly [string, ...string[]];
  /** How it is configured for the policy, in one line. */
  readonly setting: string;
  /** URLs of what was read. */
  readonly documentation: readonly string[];
  /** What its documentation promises beyond the limit, in one to three sentences. */
  readonly says: string;
  /** The scenarios for which its documentation promises the limit, besides `healthy`; with topology `none` also `healthy` is named. */
  readonly covers?: readonly BoardScenario[];
  /** What its client can use. `none`: it needs no Redis. Default: `cluster`. */
  readonly topology?: BoardTopology;
  /** The part of the limiter that the file replaces. */
  readonly shim?: string;
  /** Why a scenario cannot be run with it. */
  readonly skip?: Readonly<Partial<Record<BoardScenario, string>>>;
}

/** The longest text of each key, in characters. */
const LONGEST = { name: 80, language: 40, setting: 200, says: 600, shim: 200 } as const;

const KEYS = [
  ...['name', 'language', 'version', 'setting', 'documentation', 'says'],
  ...['covers', 'topology', 'shim', 'skip'],
];

/** Checks the `about` of a limiter's file. Throws INVALID_OPTION with the key that is wrong. */
export function checkAbout(file: string, value: unknown): LimiterAbout {
  if (!isMapping(value)) throw refused(file, `about must be a mapping; found ${shown(value)}`);
  for (const key of Object.keys(value)) if (!KEYS.includes(key)) throw unknown(file, 'key', key, KEYS);
  const { covers, topology, shim, skip } = value;
  return {
    name: textOf(file, value, 'name'),
    language: textOf(file, value, 'language'),
    version: versionOf(file, value.version),
    setting: textOf(file, value, 'setting'),
    documentation: documentationOf(file, value.documentation),
    says: textOf(file, value, 'says'),
    ...(covers !== undefined && { covers: coversOf(file, covers) }),
    ...(topology !== undefined && { topology: topologyOf(file, topology) }),
    ...(shim !== undefined && { shim: textOf(file, value, 'shim') }),
    ...(skip !== undefined && { skip: skipOf(file, skip) }),
  };
}

function textOf(file: string, about: Record<string, unknown>, key: keyof typeof LONGEST): string {
  const text = about[key];
  if (isLine(text) && text.length <= LONGEST[key]) return text.trim();
  throw refused(
    file,
    `about.${key} must be a text of one line, at most ${LONGEST[key]} characters; found ${shown(text)}`,
  );
}

function versionOf(file: string, value: unknown): LimiterAbout['version'] {
  if (Array.isArray(value) && value.length > 0 && value.every(isLine)) return value as [string, ...string[]];
  throw refused(
    file,
    `about.version must be a command that prints one line, like [node, version.mjs]; found ${found(value, isLine)}`,
  );
}

function documentationOf(file: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every(isUrl)) return value;
  throw refused(
    file,
    `about.documentation must be a list of URLs, http or https; found ${found(value, isUrl)}`,
  );
}

function coversOf(file: string, value: unknown): readonly BoardScenario[] {
  if (!Array.isArray(value))
    throw refused(file, `about.covers must be a list of scenarios; found ${shown(value)}`);
  return value.map((name) => scenarioOf(file, String(name)));
}

function skipOf(file: string, value: unknown): NonNullable<LimiterAbout['skip']> {
  if (!isMapping(value))
    throw refused(file, `about.skip must have a reason for each scenario; found ${shown(value)}`);
  const entries = Object.entries(value).map(([name, reason]) => {
    const scenario = scenarioOf(file, name);
    if (isLine(reason)) return [scenario, reason] as const;
    throw refused(file, `about.skip.${scenario} must be a reason of one line; found ${shown(reason)}`);
  });
  return Object.fromEntries(entries);
}

function topologyOf(file: string, value: unknown): BoardTopology {
  const topology = BOARD_TOPOLOGIES.find((name) => name === value);
  if (topology !== undefined) return topology;
  throw refused(file, `about.topology must be one of ${BOARD_TOPOLOGIES.join(', ')}; found ${shown(value)}`);
}

function scenarioOf(file: string, name: string): BoardScenario {
  if (isBoardScenario(name)) return name;
  throw unknown(file, 'scenario', name, BOARD_SCENARIOS);
}

function unknown(file: string, what: string, name: string, known: readonly string[]): Error {
  const close = nearest(name, known);
  const meant = close === undefined ? '' : `, did you mean ${close}`;
  return refused(file, `about has the unknown ${what} ${quoted(name)}${meant}; known: ${known.join(', ')}`);
}

function isLine(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && !/\p{Cc}/u.test(value.trim());
}

function isUrl(value: unknown): value is string {
  return isLine(value) && /^https?:\/\//.test(value);
}

/** What was found instead: of a list its first wrong item. */
function found(value: unknown, isRight: (item: unknown) => boolean): string {
  if (!Array.isArray(value)) return shown(value);
  return value.length === 0 ? 'an empty list' : `${shown(value.find((item) => !isRight(item)))} in the list`;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
