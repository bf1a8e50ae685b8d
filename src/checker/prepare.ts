import type { Promised } from '../core/promise.ts';
import type { History } from '../history/history.ts';
import { lacksParts } from '../history/parts/parts.ts';
import type { CheckerContext } from './bucket-result.ts';
import type { CheckOptions } from './check-options.ts';
import {
  boundClock,
  boundOffsets,
  type ClockBounds,
  type ClockSpan,
  joinReadings,
  largestStepBackUs,
} from './clocks/bounds.ts';
import { chooseGrant } from './clocks/grant.ts';
import { hasUnseenTime } from './clocks/unseen-time.ts';
import { findUnrecorded, isOpenAtEnd } from './doubts/unrecorded.ts';
import { isContradicted, type MappedParts } from './machines/map-parts.ts';
import { indexBucketMoves } from './moves/bucket-moves.ts';
import { promiseOf } from './promised.ts';
import { type Coverage, computeCoverage } from './rows/coverage.ts';
import { findEpisodes, type KnownClocks, type Shards } from './shards/shard-events.ts';
import { statedContext } from './stated/stated-context.ts';
import { computeWindowClock, judgesDenials } from './windows/clock.ts';

export type Prepared = ReturnType<typeof prepare>;

/** Computes what the checkers need to know of a history: its clocks, its coverage, and what may be missing from it. */
export function prepare(history: History, options: CheckOptions, machines: MappedParts | undefined) {
  const { outcomes } = history;
  const promise = promiseOf(history.header, options.promise);
  const coverage = computeCoverage(history, isOpenAtEnd(history, options));
  const dates = history.clock.filter(({ source }) => source === 'date');
  const read = history.clock.filter(({ source }) => source === undefined);
  const readings = joinReadings(read, history.decisionClock);
  const ofClock = { isRead: readings.length > 0, typed: options.clockSlack };
  const grant = chooseGrant(history.header, ofClock);
  const withUnseen = (clock: ClockBounds) => withUnseenSteps(clock, history, coverage.span);
  const asRead = withUnseen(boundClock(readings, coverage.span, grant, machines?.clocks.rate));
  const stepBackUs = readings.length === 0 ? Number.POSITIVE_INFINITY : largestStepBackUs(asRead);
  const clocks = { ...ofClock, clock: asRead, grant, coverage, readings, dates };
  const windowsOf = (promised: Promised) => windowContext(history, promised, clocks);
  const windows = windowsOf(promise);
  const axes = machines?.ofNodes;
  const clock = axes === undefined ? asRead : withUnseen(axes.boundsWith(grant));
  const shards = shardsOf(history, {
    ...clock,
    movedUs: axes?.movedUs,
    offsets: axes?.offsets ?? (() => boundOffsets(readings)),
  });
  const recorded = outcomes.allowed + outcomes.denied + outcomes.failed + outcomes.info;
  const sent = history.end?.sent ?? recorded;
  const unaccounted = sent - recorded - (history.end?.sample?.others ?? 0);
  const unrecorded = findUnrecorded(history, { options, coverage, unaccounted });
  const known = { ...knownOf(history, coverage), stepBackUs };
  const stated = statedContext(history, {
    ...{ options, shards },
    isWhole: history.end !== undefined && unaccounted === 0 && !lacksParts(history),
    wallClock: () => computeWindowClock(history, clocks),
  });
  const movesOf = indexBucketMoves(history);
  const context: CheckerContext = {
    clock,
    movesOf,
    known,
    unrecorded,
    isReplayed: !lacksParts(history) && !(machines && isContradicted(machines)),
    ...windows,
    ...(stated && { stated }),
  };
  const found = { coverage, readings, ofClock, grant, shards, context, sent, unaccounted };
  return { promise, ...found, ...windows, windowsOf };
}

/**
 * A step back before the first reading, after the last one, or by an earlier failover to a node whose clock was behind is
 * in no reading. A bucket written before it waits until its clock has caught up; `bucketsAheadUs` is how far such buckets
 * were ahead. Where readings show all the time since buckets were full, no clock makes a bucket wait longer than they say.
 */
function withUnseenSteps(clock: ClockBounds, history: History, span: ClockSpan): ClockBounds {
  if (!hasUnseenTime(history, span)) return clock;
  return {
    ...clock,
    backwardUs: Math.max(clock.backwardUs, history.bucketsAheadUs),
    unseenBackwardUs: history.bucketsAheadUs,
  };
}

function knownOf({ header }: History, { knownFromUs, judgedFromUs, judgedUntilUs }: Coverage) {
  return { initial: header.initial, knownFromUs, judgedFromUs, judgedUntilUs };
}

/** Finds the shards and their events when they are first needed. */
function shardsOf(history: History, clocks: KnownClocks): () => Shards {
  const { header, operations, events, faults } = history;
  let offsets: ReturnType<KnownClocks['offsets']> | undefined;
  let shards: Shards | undefined;
  return () =>
    (shards ??= findEpisodes(
      { regions: header.regions, operations, events, faults },
      { ...clocks, offsets: () => (offsets ??= clocks.offsets()) },
    ));
}

function windowContext(
  history: History,
  promise: Promised,
  known: Parameters<typeof computeWindowClock>[1],
): Pick<CheckerContext, 'windows'> {
  if (promise.type === 'token-bucket') return {};
  const windows = { promise, clock: computeWindowClock(history, known) };
  return { windows: { ...windows, areDenialsJudged: judgesDenials(windows) } };
}
