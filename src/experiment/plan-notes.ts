import { count, rounded } from '../core/units.ts';
import { leftOutTexts } from '../history/foreign/arrivals.ts';
import type { History } from '../history/history.ts';
import type { FaultRecord } from '../history/records/operation.ts';
import { isMomentary } from '../scenario/faults/index.ts';
import type { Plan, PlannedFault } from '../scenario/plan.ts';

/**
 * A time is missed if it is late by more than a tenth of what was planned: less does not change what a phase shows. And by
 * more than a second: timers, and the calls that inject a fault, take a part of one even on an idle machine.
 */
const LATE = { share: 0.1, leastMs: 1_000 };

/** The most faults that are named. */
const MOST_NAMED = 3;

/** A note on faults by commands of which nothing says whether they were in force. */
export function notProved({ faults }: Pick<Plan, 'faults'>): string[] {
  const unproved = faults.filter(
    (fault) => fault.fault === 'command' && fault.proof === undefined && fault.probe === undefined,
  );
  if (unproved.length === 0) return [];
  return [
    `not proved: ${count(unproved.length, 'fault')} by command ${unproved.length === 1 ? 'names' : 'name'} no proof, so the run does not show whether anything was broken; add a proof (--proof or --probe)`,
  ];
}

/** Where the buckets of a run with homes are. */
export function homesNote({ homes }: Pick<Plan, 'homes'>): string[] {
  if (!homes) return [];
  return ['buckets at home: each is in a slot of the region that the name of its user begins with (homes)'];
}

/** Of a run whose parts an engine placed: its plan has round trips, too. */
export function machinesNote({ parts }: Pick<History, 'parts'>): string[] {
  if (parts?.control === undefined) return [];
  return ['round trips are those between the machines; the run added none'];
}

/** Notes on a run that did not go as it was planned. Of an audit there are none: its history has its warm-up, too. */
export function planNotes(
  plan: Plan,
  { header, operations, faults }: Pick<History, 'header' | 'operations' | 'faults'>,
): string[] {
  const left = leftOut(plan);
  if (operations.rows === 0 || header.clocks === 'apart') return left;
  const sent = {
    firstUs: operations.invokedUs.reduce((first, us) => Math.min(first, us), Number.POSITIVE_INFINITY),
    lastUs: operations.invokedUs.reduce((last, us) => Math.max(last, us), Number.NEGATIVE_INFINITY),
  };
  return [...left, ...missedTimes(plan, faults, sent), ...unsettled(plan, faults, sent)];
}

/** The lines of its log that a run leaves out. */
export function leftOut({ load: { log } }: Plan): string[] {
  return log === undefined ? [] : leftOutTexts(log).map((text) => `${log.file}: ${text}`);
}

/** From the first to the last request, in microseconds of the recorder. */
interface Sent {
  readonly firstUs: number;
  readonly lastUs: number;
}

function missedTimes({ faults: planned, load }: Plan, faults: readonly FaultRecord[], sent: Sent): string[] {
  const late = planned
    .flatMap((fault) => latenessOf(fault, planned, faults, sent))
    .toSorted((a, b) => b.byMs - a.byMs);
  const more = late.length - MOST_NAMED;
  const loadMs = (sent.lastUs - sent.firstUs) / 1_000;
  const missed = [
    ...late.slice(0, MOST_NAMED).map(({ sentence }) => sentence),
    ...(more > 0 ? [`${count(more, 'more fault')} as well`] : []),
    ...(isLate(loadMs, load.durationMs)
      ? [`the load lasted ${seconds(loadMs)} instead of ${seconds(load.durationMs)}`]
      : []),
  ];
  return missed.length === 0
    ? []
    : [`times of the plan were missed, by a slow machine or a fault that took long: ${missed.join('; ')}`];
}

function latenessOf(
  fault: PlannedFault,
  planned: readonly PlannedFault[],
  records: readonly FaultRecord[],
  { firstUs }: Sent,
): { readonly byMs: number; readonly sentence: string }[] {
  const alike = planned.filter((other) => keyOf(other) === keyOf(fault)).indexOf(fault);
  const timeOf = (phase: FaultRecord['phase']) =>
    records.filter((record) => record.phase === phase && keyOfRecord(record) === keyOf(fault))[alike]?.atUs;
  const [injectUs, healUs] = [timeOf('inject'), timeOf('heal')];
  if (injectUs === undefined) return [];
  const atMs = (injectUs - firstUs) / 1_000;
  const began = isLate(atMs, fault.atMs)
    ? [{ byMs: atMs - fault.atMs, text: `began after ${seconds(atMs)} instead of ${seconds(fault.atMs)}` }]
    : [];
  const lastedMs = healUs === undefined || isMomentary(fault) ? 0 : (healUs - injectUs) / 1_000;
  const lasted = isLate(lastedMs, fault.forMs)
    ? [
        {
          byMs: lastedMs - fault.forMs,
          text: `lasted ${seconds(lastedMs)} instead of ${seconds(fault.forMs)}`,
        },
      ]
    : [];
  const both = [...began, ...lasted];
  if (both.length === 0) return [];
  return [
    {
      byMs: both.reduce((most, { byMs }) => Math.max(most, byMs), 0),
      sentence: `${fault.fault} ${both.map(({ text }) => text).join(' and ')}`,
    },
  ];
}

function isLate(actualMs: number, plannedMs: number): boolean {
  return actualMs - plannedMs > Math.max(LATE.leastMs, LATE.share * plannedMs);
}

/** Two faults of one key are never in force together, so their records are in the order of the plan. */
function keyOf({ fault, atMs: _at, forMs: _for, ...args }: PlannedFault): string {
  return JSON.stringify([fault, args]);
}

function keyOfRecord({ fault, args }: FaultRecord): string {
  return JSON.stringify([fault, args ?? {}]);
}

/** What follows the last heal is judged for silent regions only from `settled` on. */
function unsettled({ load }: Plan, faults: readonly FaultRecord[], { firstUs, lastUs }: Sent): string[] {
  const isCutShort = lastUs - firstUs < (1 - LATE.share) * 1_000 * load.durationMs;
  const heals = faults.filter(({ phase }) => phase === 'heal');
  const injected = faults.filter(({ phase }) => phase === 'inject').length;
  const last = heals.toSorted((a, b) => a.atUs - b.atUs).at(-1);
  if (isCutShort || last === undefined || heals.length < injected) return [];
  const { fault, atUs: healUs } = last;
  if (healUs >= lastUs)
    return [`${fault} was healed after the last request, so the report shows nothing of the time after it`];
  const isSettled = faults.some(({ phase, atUs }) => phase === 'settled' && healUs <= atUs && atUs <= lastUs);
  if (isSettled) return [];
  const afterMs = (lastUs - healUs) / 1_000;
  return [
    `the cluster had not settled when the load ended, ${seconds(afterMs)} after the heal of ${fault}: whether a region fell silent after it was not judged; a load that goes on after it settles shows it`,
  ];
}

function seconds(ms: number): string {
  return `${rounded(ms / 1_000, 1)} s`;
}
