import { secondsText } from '../../core/units.ts';
import { mayGiveBack } from '../../history/columns/reservation-rows.ts';
import { KIND, type OperationTable } from '../../history/columns/table.ts';
import type { Event, FaultRecord } from '../../history/records/operation.ts';
import { findPromotions, roleEventsOf } from './promotions.ts';

/**
 * A region that stopped deciding while no fault was in force. It proves nothing: hanging connections of a closed load
 * send no requests, so nothing there can be denied wrongly or admitted beyond the limit. Only the load of this program is
 * steady enough to show it, from `steadyFromUs` on, when its ramp is over.
 */
export interface SilentRegion {
  readonly region: string;
  readonly fromUs: number;
  readonly untilUs: number;
  /** The requests that it decided in that time, and the requests that its earlier rate predicts. */
  readonly decided: number;
  readonly expected: number;
}

const BIN_US = 250_000;
/** A garbage collection, a fork or a busy machine may pause a region for up to 2 s. */
const LONGEST_BINS = 8;
const LEAST_EXPECTED = 50;
/** A rate below LOW of its median is low. If the other regions are slow as well, it must be below NEARLY_NONE. */
const LOW = 0.5;
const NEARLY_NONE = 0.1;

/** Decisions by region, in bins of a quarter of a second from `fromUs` until the last request was sent. */
export interface Activity {
  readonly fromUs: number;
  readonly decided: ReadonlyMap<string, readonly number[]>;
}

export function countActivity(table: OperationTable, steadyFromUs: number): Activity {
  const lastSentUs = table.invokedUs.reduce(
    (last, us, row) => (mayGiveBack(table, row) ? last : Math.max(last, us)),
    Number.NEGATIVE_INFINITY,
  );
  const bins = Math.max(0, Math.floor((lastSentUs - steadyFromUs) / BIN_US));
  const decided = new Map<string, number[]>();
  for (let row = 0; row < table.rows; row++) {
    const kind = table.kinds[row] as number;
    const outcome = kind & KIND.outcome;
    if ((kind & KIND.part) !== 0 || (outcome !== KIND.allowed && outcome !== KIND.denied)) continue;
    const bin = Math.floor((table.lastUs(row) - steadyFromUs) / BIN_US);
    const region = table.regionOf(row);
    const counts = decided.get(region) ?? new Array<number>(bins).fill(0);
    decided.set(region, counts);
    if (bin >= 0 && bin < bins) counts[bin] = (counts[bin] as number) + 1;
  }
  return { fromUs: steadyFromUs, decided };
}

/** Faults and events during the load. */
export interface Happened {
  readonly faults: readonly FaultRecord[];
  readonly events?: readonly Event[];
}

/** The longest silence of each region that was silent for more than 2 s while no fault was in force. */
export function silentRegions(activity: Activity, { faults, events = [] }: Happened): SilentRegion[] {
  const regions = [...activity.decided].map(([region, counts]) => ({ region, counts }));
  const takeovers = takeoversIn(events).map((atUs) => (atUs - activity.fromUs) / BIN_US);
  return regions.flatMap(({ region, counts }) => {
    const others = sumOf(regions.filter((other) => other.region !== region).map((other) => other.counts));
    const spans = quietBins(activity.fromUs, counts.length, faults);
    const usualRates = computeUsualRates(counts, spans, takeovers);
    const usualRatesOfOthers = others && computeUsualRates(others, spans, takeovers);
    const silences = spans.flatMap(([from, until], at): SilentRegion[] => {
      const usual = usualRates[at] ?? 0;
      const usualOfOthers = usualRatesOfOthers?.[at] ?? 0;
      const isLow = (bin: number) => {
        const count = counts[bin] as number;
        const isAlone = others === undefined || (others[bin] as number) >= LOW * usualOfOthers;
        return count < (isAlone ? LOW : NEARLY_NONE) * usual;
      };
      const found = longestRun(from, until, isLow);
      const expected = Math.round((found.until - found.from) * usual);
      if (found.until - found.from <= LONGEST_BINS || expected < LEAST_EXPECTED) return [];
      const decided = counts.slice(found.from, found.until).reduce((sum, count) => sum + count, 0);
      const [fromUs, untilUs] = [found.from, found.until].map((bin) => activity.fromUs + bin * BIN_US);
      return [{ region, fromUs: fromUs as number, untilUs: untilUs as number, decided, expected }];
    });
    return silences.toSorted((a, b) => b.untilUs - b.fromUs - (a.untilUs - a.fromUs)).slice(0, 1);
  });
}

/** When replicas became primaries. Microseconds of the recorder. */
function takeoversIn(events: readonly Event[]): number[] {
  const nodes = new Set(events.flatMap(({ node = [] }) => node));
  const promotions = [...nodes].flatMap((node) => findPromotions(roleEventsOf(node, events)));
  return promotions.filter(({ wasReplica }) => wasReplica).map(({ atUs }) => atUs);
}

type Span = readonly [from: number, until: number];

/**
 * The expected rate in each quiet span: that of the last earlier span that was long enough. After a takeover some regions
 * stay slower and others faster, so then it is the rate of the span itself, unless the region was silent for most of it.
 */
function computeUsualRates(
  counts: readonly number[],
  spans: readonly Span[],
  takeovers: readonly number[],
): (number | undefined)[] {
  let before: { readonly rate: number; readonly from: number } | undefined;
  return spans.map(([from, until]) => {
    const last = before;
    const own = medianOfBusy(counts, from, until);
    if (own !== undefined && (last === undefined || until - from > LONGEST_BINS))
      before = { rate: own, from };
    if (last === undefined) return own;
    const busy = counts.slice(from, until).filter((count) => count > 0).length;
    const hasMoved = takeovers.some((bin) => bin > last.from && bin <= from);
    return hasMoved && busy >= LOW * (until - from) ? own : last.rate;
  });
}

export function silenceText({ region, fromUs, untilUs, decided, expected }: SilentRegion): string {
  const [from, until] = [fromUs, untilUs].map((us) => secondsText(us, 1));
  return (
    `${region} decided ${decided} requests from ${from} s to ${until} s, where about ${expected} were expected and no ` +
    'fault was in force: a silent region proves nothing; see the logs of its services'
  );
}

/**
 * The spans of whole bins without a fault in force: until the first fault, and from each `settled` after the last heal to
 * the next fault. A later `settled` changes nothing.
 */
function quietBins(fromUs: number, bins: number, faults: readonly FaultRecord[]): Span[] {
  const spans: Span[] = [];
  let inForce = 0;
  let since: number | undefined = 0;
  const end = (bin: number) => {
    if (since !== undefined) spans.push([since, Math.min(bins, Math.floor(bin))]);
    since = undefined;
  };
  for (const { phase, atUs } of faults.toSorted((a, b) => a.atUs - b.atUs)) {
    const bin = (atUs - fromUs) / BIN_US;
    if (phase === 'inject') {
      inForce++;
      end(bin);
    } else if (phase === 'heal') inForce = Math.max(0, inForce - 1);
    else if (inForce === 0) since ??= Math.max(0, Math.ceil(bin));
  }
  end(bins);
  return spans.filter(([from, until]) => until > from);
}

function sumOf(all: readonly (readonly number[])[]): number[] | undefined {
  const [first, ...rest] = all;
  return first?.map((count, bin) => rest.reduce((sum, counts) => sum + (counts[bin] ?? 0), count));
}

/** The median of the bins with decisions, so that a region that is silent for most of the time keeps its rate. */
function medianOfBusy(counts: readonly number[], from: number, until: number): number | undefined {
  const busy = counts
    .slice(from, until)
    .filter((count) => count > 0)
    .sort((a, b) => a - b);
  return busy[busy.length >> 1];
}

function longestRun(from: number, until: number, isSuch: (bin: number) => boolean) {
  let longest = { from, until: from };
  let start = from;
  for (let bin = from; bin < until; bin++) {
    if (!isSuch(bin)) start = bin + 1;
    else if (bin + 1 - start > longest.until - longest.from) longest = { from: start, until: bin + 1 };
  }
  return longest;
}
