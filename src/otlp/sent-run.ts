import type { History } from '../history/history.ts';
import type { Evidence } from '../report/html/run-page.ts';
import type { RunReport } from '../report/report.ts';

/** A kept run that is sent. */
export interface SentRun {
  /** The name of its folder. */
  readonly name: string;
  readonly report: RunReport;
  /** Its history, judged again. Without it only totals are sent. */
  readonly evidence?: Evidence | undefined;
  /** Of this program. */
  readonly version: string;
}

/** How the date and time of a run is known. */
export type OriginSource = 'report' | 'servers' | 'start';

/**
 * When the times of a run are 0, in microseconds since 1970: as its report says; in reports of earlier versions, and of
 * several machines, by the clocks of its Redis nodes; at last, when it was started, which is up to a minute too early.
 */
export function originOf({ report, evidence }: SentRun): { us: number; source: OriginSource } {
  const { originAt, startedAt } = report;
  if (originAt !== undefined) return { us: 1_000 * Date.parse(originAt), source: 'report' };
  const reading = evidence && firstReading(evidence.examination.judged);
  if (reading !== undefined) return { us: Math.round(reading.serverUs - reading.atUs), source: 'servers' };
  return { us: 1_000 * Date.parse(startedAt), source: 'start' };
}

/** Of a server's own clock, and not of the dates in its replies. */
function firstReading({ clock }: History) {
  return clock.find(({ source }) => source === undefined);
}

/** The times of the whole run. Microseconds of its own clock. */
export interface RunSpan {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** From 0 to its last request, fault or event. */
export function lengthOf({ report, evidence }: SentRun): RunSpan {
  const { faults, events, loadMs } = report;
  const lastUs = [...faults, ...events].reduce((last, { atUs }) => Math.max(last, atUs), 1_000 * loadMs);
  const endUs = evidence?.examination.judged.end?.atUs ?? 0;
  return { fromUs: 0, untilUs: Math.max(lastUs, evidence?.history.parts === undefined ? endUs : 0) };
}
