import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import { MappingError } from './lines.ts';
import type { StatusPattern } from './status.ts';

/**
 * What a status means for the bucket. `settled`: the request may have been charged, but not after its reply.
 * `unanswered`: it may be charged at any time, also after its reply.
 */
export type StatusMeaning = 'allowed' | 'denied' | 'settled' | 'unanswered';

/** The lists of statuses that the user gave, by option. */
export interface StatusLists {
  readonly allow?: StatusPattern | undefined;
  readonly deny?: StatusPattern | undefined;
  readonly settled?: StatusPattern | undefined;
  readonly unanswered?: StatusPattern | undefined;
}

export interface StatusReader {
  /** Reads and counts the status of one line. Throws MappingError for a status in two of the lists. */
  read(status: string): StatusMeaning;
  /** Throws MappingError for a status in two of the lists. */
  meaningOf(status: string): StatusMeaning;
  /** Whether a list of the user has it. */
  isListed(status: string): boolean;
  /** How often each status occurred; at most a thousand statuses. */
  readonly seen: ReadonlyMap<string, number>;
  /** The options of the lists that no line matched. */
  unmatched(): readonly string[];
}

const MEANINGS = { allow: 'allowed', deny: 'denied', settled: 'settled', unanswered: 'unanswered' } as const;

const OPTIONS = ['allow', 'deny', 'settled', 'unanswered'] as const;

/** A wrong column can have an unlimited number of words. */
const MOST_KEPT = 1_000;

/**
 * A list of the user overrides the default: `allow` is 2xx, `deny` is 429, and any other status is `unanswered`. A proxy
 * writes 408, 499, 502, 503 or 504, and a client 0, while the request may continue behind it. A 500 may come from a
 * limiter whose store timed out and charges later. Only the user can know that a status is settled.
 */
export function statusReader(
  lists: StatusLists,
  standard: { readonly allow: StatusPattern; readonly deny: StatusPattern },
): StatusReader {
  const known = new Map<string, StatusMeaning>();
  const seen = new Map<string, number>();
  const matched = new Set<string>();
  const meaningOf = (status: string) => {
    const kept = known.get(status);
    if (kept !== undefined) return kept;
    const given = optionsOf(lists, status);
    if (given.length > 1)
      throw new MappingError(
        `the status ${quoted(status)} is in two lists, ${given.map(flag).join(' and ')}`,
      );
    const [option] = given;
    const meaning =
      option !== undefined
        ? MEANINGS[option]
        : lists.allow === undefined && standard.allow(status)
          ? 'allowed'
          : lists.deny === undefined && standard.deny(status)
            ? 'denied'
            : 'unanswered';
    if (known.size < MOST_KEPT) known.set(status, meaning);
    return meaning;
  };
  return {
    read(status) {
      const meaning = meaningOf(status);
      const times = seen.get(status) ?? 0;
      if (times === 0) for (const option of optionsOf(lists, status)) matched.add(option);
      if (times > 0 || seen.size < MOST_KEPT) seen.set(status, times + 1);
      return meaning;
    },
    meaningOf,
    isListed: (status) => optionsOf(lists, status).length > 0,
    seen,
    unmatched: () =>
      OPTIONS.filter((option) => lists[option] !== undefined && !matched.has(option)).map(flag),
  };
}

/** Throws INVALID_OPTION for a status code in two of the lists; called before the log is read. */
export function refuseClash(lists: StatusLists): void {
  for (let code = 0; code < 1_000; code++) {
    const status = String(code).padStart(3, '0');
    const given = optionsOf(lists, status);
    if (given.length > 1)
      throw invalidOption(
        `the status ${status} is in two lists, ${given.map(flag).join(' and ')}; remove it from one`,
      );
  }
}

function optionsOf(lists: StatusLists, status: string): (keyof StatusLists)[] {
  return OPTIONS.filter((option) => lists[option]?.(status));
}

function flag(option: string): string {
  return `--${option}`;
}
