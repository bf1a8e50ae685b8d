import { printable, quoted } from '../../core/printable.ts';
import type { History } from '../history.ts';
import type { Mapping } from './mapping.ts';
import type { UnusableLines } from './unusable.ts';

/** How a log was read, in addition to the history. */
export interface Reading {
  readonly mapping: Mapping;
  readonly unusable: UnusableLines;
  /** Lines without a key. */
  readonly skipped: number;
}

const STATUS = 'STATUS_';
const MOST_SHOWN = 5;

/** The assumptions of a verdict on a foreign log, as sentences. */
export function assumedOfLog(history: History, { mapping, unusable, skipped }: Reading): string[] {
  return [
    ...assumedOfStatuses(history, mapping, 'unanswered', OPEN),
    ...assumedOfStatuses(history, mapping, 'settled', SETTLED),
    ...assumedOfTimes(mapping),
    ...(mapping.key === undefined ? ['all requests share one bucket (--one-bucket)'] : []),
    ...(skipped === 0 ? [] : [`lines without ${printable(mapping.key ?? '')} are left out: ${skipped}`]),
    ...assumedOfUnusable(unusable),
  ];
}

const OPEN =
  'may have been charged at any time, even after the end of the log (--settled: not after the reply)';
const SETTLED = 'may have been charged, but not after the reply (--settled)';

function assumedOfStatuses(
  history: History,
  { statuses }: Mapping,
  meaning: 'settled' | 'unanswered',
  says: string,
): string[] {
  const meant = Object.entries(history.errors.info)
    .filter(([error]) => error.startsWith(STATUS))
    .map(([error, times]) => [error.slice(STATUS.length), times] as const)
    .filter(([status]) => statuses.meaningOf(status) === meaning);
  return meant.length === 0 ? [] : [`requests answered ${statusesText(meant)} ${says}`];
}

function statusesText(statuses: readonly (readonly [status: string, times: number])[]): string {
  const shown = statuses
    .slice(0, MOST_SHOWN)
    .map(([status, times]) => `${quoted(status).replaceAll('"', '')} (${times})`);
  const rest = statuses.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? `, and ${rest} other statuses` : ''}`;
}

/** A sentence for each option of statuses that no line matches, and for what was read without an option. */
export function notesOfLog({ statuses }: Mapping, guessed: readonly string[]): string[] {
  const all = statusesText([...statuses.seen].sort(([, a], [, b]) => b - a));
  return [
    ...statuses.unmatched().map((option) => `no line has a status of ${option}; the log has ${all}`),
    ...(guessed.length === 0
      ? []
      : [
          `what the limiter stated is read from the fields ${guessed.map(printable).join(', ')}; if they are others, name them (--remaining, --retry-after, --reset, --limit)`,
        ]),
  ];
}

function assumedOfTimes({ durationAtMostUs, start, zone }: Mapping): string[] {
  const side = start === undefined ? `before its end` : `after ${start}`;
  return [
    ...(durationAtMostUs === undefined
      ? []
      : [
          `each request was decided within ${durationAtMostUs / 1e6} s ${side} (--duration-at-most); the log has no durations`,
        ]),
    ...(zone === undefined ? [] : [`dates without a zone are in ${zone} (--zone)`]),
  ];
}

function assumedOfUnusable({ count: all, unseen, first }: UnusableLines): string[] {
  if (all === 0) return [];
  const placed = 'each line with a bucket may be a charge at any time';
  const lost = unseen === 0 ? '' : `; ${unseen} have no bucket, so no denial is judged`;
  return [`unreadable lines: ${all}, the first is ${first?.where} (${first?.reason}); ${placed}${lost}`];
}

/** 503 is reported from this number and this share of all requests on. */
const FREQUENT = { times: 10, share: 0.01 };

/** Why a foreign log cannot prove anything, as sentences. */
export function problemsOfLog(history: History, { statuses }: Mapping): string[] {
  const times = history.errors.info[`${STATUS}503`] ?? 0;
  const { allowed, denied, failed, info } = history.outcomes;
  const isFrequent = times >= FREQUENT.times && times >= FREQUENT.share * (allowed + denied + failed + info);
  if (!isFrequent || denied > 0 || statuses.isListed('503')) return [];
  return [
    `${times} requests were answered 503 and none was denied; if the limiter denies with 503 (the default of nginx), use --deny 503, else --unanswered 503`,
  ];
}
