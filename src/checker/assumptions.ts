import type { History } from '../history/history.ts';
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
    ...(isJudged && horizon.judged > 0 ? ofEarlierSteps(history) : []),
  ];
}

/**
 * A limiter whose clock stepped back waits for it and denies. A step between two readings is seen. One before the first,
 * by decisions that tell the time or in a history that begins in mid-traffic, may show in nothing.
 */
function ofEarlierSteps({ header, clock, decisionClock }: History): string[] {
  const isReadFromTheStart = clock.length > 0 || decisionClock.length === 0;
  return header.initial === 'full' && isReadFromTheStart
    ? []
    : ["the limiter's clock did not step back shortly before the history first shows it"];
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
