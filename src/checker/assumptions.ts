import type { History } from '../history/history.ts';
import type { ClockReading } from '../history/operation.ts';
import { type ClockSpan, groupByNode } from './clock.ts';
import type { Horizon } from './horizon.ts';
import type { PassResult } from './pass.ts';
import type { EvidenceRules } from './rules.ts';

/** What the verdict rests on beside the history, as sentences. */
export function assumptionsOf(
  history: History,
  {
    rules,
    horizon,
    pass,
    isJudged,
  }: { rules: EvidenceRules; horizon: Horizon; pass: PassResult; isJudged: boolean },
): string[] {
  return [
    ...pass.assumptions,
    ...ofCompleteness(history, rules),
    ...ofRefunds(pass, rules),
    ...ofEarlierRefunds(pass),
    ...ofOneLog(horizon),
    ...(isJudged && horizon.judged > 0 ? ofUnseenSteps(history, horizon) : []),
  ];
}

/**
 * A limiter whose clock went back, by a step or since a node that is behind took over, waits for it and denies. Between two
 * readings that is seen. Before the first and after the last, by decisions that tell the time or in a history that begins in
 * mid-traffic, it may show in nothing.
 */
function ofUnseenSteps({ header, clock, decisionClock }: History, { span }: Horizon): string[] {
  const isRead = clock.length > 0 ? isReadAllAlong(clock, span) : decisionClock.length === 0;
  return header.initial === 'full' && isRead
    ? []
    : [
        "the limiter's clock did not go back, by a step or a failover, before the history first shows it or after it last does",
      ];
}

function isReadAllAlong(readings: readonly ClockReading[], { fromUs, untilUs }: ClockSpan): boolean {
  return [...groupByNode(readings).values()].every(
    (ofNode) => ofNode.some(({ atUs }) => atUs <= fromUs) && ofNode.some(({ atUs }) => atUs >= untilUs),
  );
}

function ofCompleteness({ end }: History, { isComplete, openAtEndMissing }: EvidenceRules): string[] {
  const isSaid = end !== undefined && openAtEndMissing !== true;
  return isComplete !== true || isSaid ? [] : ['no request was open when the history ended (--complete)'];
}

function ofRefunds({ guilty }: PassResult, { withoutRefunds }: EvidenceRules): string[] {
  const isExceeded = guilty.some(({ over, windows }) => over.drops.length + windows.length > 0);
  return withoutRefunds === true && isExceeded
    ? ['nothing was given back: a log without costs (--cost) does not say what was refunded']
    : [];
}

function ofEarlierRefunds({ earlierTokens }: PassResult): string[] {
  return earlierTokens === 0
    ? []
    : [
        `what was admitted before the first reply, ${earlierTokens} tokens, may have been refunded before the history began`,
      ];
}

function ofOneLog({ joined }: Horizon): string[] {
  return joined.map(({ files }) => `${files.join(', ')} are one log: each begins where the one before ends`);
}
