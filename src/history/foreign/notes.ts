import { printable, quoted } from '../../core/errors.ts';
import type { History } from '../history.ts';
import type { Mapping } from './mapping.ts';
import type { UnusableLines } from './unusable.ts';

/** What was read, beside the history itself. */
export interface Reading {
  readonly mapping: Mapping;
  readonly unusable: UnusableLines;
  /** Lines without a key. */
  readonly skipped: number;
}

const STATUS = 'STATUS_';
const MOST_SHOWN = 5;

/** What a verdict on such a log takes for granted, as sentences. */
export function assumedOfLog(history: History, { mapping, unusable, skipped }: Reading): string[] {
  return [
    ...assumedOfStatuses(history, mapping, 'unanswered', OPEN),
    ...assumedOfStatuses(history, mapping, 'settled', SETTLED),
    ...assumedOfTimes(mapping),
    ...(mapping.key === undefined ? ['all requests are of one bucket (--one-bucket)'] : []),
    ...(skipped === 0 ? [] : [`lines without ${printable(mapping.key ?? '')} concern no bucket: ${skipped}`]),
    ...assumedOfUnusable(unusable),
  ];
}

const OPEN =
  'may have been charged, at any time up to the end of the log or later (--settled says by the reply)';
const SETTLED = 'may have been charged by the reply, and not later (--settled)';

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
  return meant.length === 0 ? [] : [`what was answered ${statusesText(meant)} ${says}`];
}

function statusesText(statuses: readonly (readonly [status: string, times: number])[]): string {
  const shown = statuses
    .slice(0, MOST_SHOWN)
    .map(([status, times]) => `${quoted(status).replaceAll('"', '')} (${times})`);
  const rest = statuses.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? `, and ${rest} other statuses` : ''}`;
}

/** What a list of statuses that was typed does not do, as sentences. */
export function notesOfLog({ statuses }: Mapping): string[] {
  const all = statusesText([...statuses.seen].sort(([, a], [, b]) => b - a));
  return statuses
    .unmatched()
    .map((option) => `no line has a status that ${option} names: the log has ${all}`);
}

function assumedOfTimes({ durationAtMostUs, start, zone }: Mapping): string[] {
  const side = start === undefined ? `before its end` : `after ${start}`;
  return [
    ...(durationAtMostUs === undefined
      ? []
      : [
          `each request was decided within ${durationAtMostUs / 1e6} s ${side} (--duration-at-most): the log does not say`,
        ]),
    ...(zone === undefined ? [] : [`dates without a zone are of ${zone} (--zone)`]),
  ];
}

function assumedOfUnusable({ count: all, unseen, first }: UnusableLines): string[] {
  if (all === 0) return [];
  const placed = 'each that names its bucket may be a charge of it, at any time';
  const lost = unseen === 0 ? '' : `; ${unseen} name no bucket, so no denial is judged`;
  return [
    `lines that cannot be read: ${all}, the first is ${first?.where} (${first?.reason}); ${placed}${lost}`,
  ];
}

/** So many of them, and this share of all requests, are no accident. */
const FREQUENT = { times: 10, share: 0.01 };

/** What keeps such a log from proving anything, as sentences. */
export function troublesOfLog(history: History, { statuses }: Mapping): string[] {
  const times = history.errors.info[`${STATUS}503`] ?? 0;
  const { allowed, denied, failed, info } = history.outcomes;
  const isFrequent = times >= FREQUENT.times && times >= FREQUENT.share * (allowed + denied + failed + info);
  if (!isFrequent || denied > 0 || statuses.isListed('503')) return [];
  return [
    `${times} requests were answered 503 and none was denied: a limiter that denies with 503, as nginx does unless limit_req_status says otherwise, needs --deny 503; else say --unanswered 503`,
  ];
}
