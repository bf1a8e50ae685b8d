import type { Verdict } from '../core/verdict.ts';
import { OUTCOMES } from '../history/operation.ts';
import type { CheckFacts } from './facts.ts';
import { formatPromise } from './promise.ts';
import type { EvidenceRules } from './rules.ts';

/** One reason for the verdict, as a sentence. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** Every reason for the verdict: what the limiter did, then whether there is enough evidence. */
export function judge(facts: CheckFacts, rules: EvidenceRules): Judgement[] {
  const promise = rules.promise ?? { type: 'token-bucket' };
  const correctness =
    promise.type === 'token-bucket'
      ? [judgeOverAdmission(facts), judgeFalseDenials(facts, rules), judgeReplay(facts)]
      : [judgeWindows(facts, formatPromise(promise))];
  return [
    ...correctness,
    judgeAccounts(facts),
    judgeInfo(facts, rules),
    ...judgeFailed(facts, rules),
    ...judgeContested(facts, rules),
    ...(rules.interrupted ? [{ verdict: 'unknown' as const, reason: 'the run was interrupted' }] : []),
  ];
}

function judgeOverAdmission({ overAdmission, clock }: CheckFacts): Judgement {
  const { worst, buckets, totalExcess } = overAdmission;
  if (buckets === 0) return { verdict: 'pass', reason: 'no bucket admitted more than an ideal one could' };
  if (worst === undefined)
    return {
      verdict: 'fail',
      reason: `${count(buckets, 'bucket')} over-admitted ${totalExcess} tokens in all`,
    };
  const { window } = worst;
  const seconds = ((window.endUs - window.startUs) / 1_000_000).toFixed(3);
  return {
    verdict: 'fail',
    reason:
      `${count(buckets, 'bucket')} over-admitted; worst window: ${worst.bucket} admitted ${window.admitted} tokens ` +
      `within ${seconds} s, where an ideal bucket admits at most ${window.allowance.toFixed(3)}${describeSteps(clock)}`,
  };
}

/** A clock that jumps ahead fills buckets early: not the limiter's fault, and not subtracted either. */
function describeSteps({ steps }: CheckFacts['clock']): string {
  const forward = steps.filter(({ byUs }) => byUs > 0);
  if (forward.length === 0) return '';
  const seconds = forward.map(({ byUs }) => (byUs / 1_000_000).toFixed(3)).join(', ');
  return ` (the server's clock jumped ahead by ${seconds} s)`;
}

function judgeFalseDenials({ falseDenials }: CheckFacts, rules: EvidenceRules): Judgement {
  const { total, buckets, judged } = falseDenials;
  const declared = rules.falseDenialsAtMost ?? 0;
  if (judged === 0) return { verdict: 'pass', reason: `no denial could be judged: ${falseDenials.whyNot}` };
  if (total === 0) return { verdict: 'pass', reason: `none of ${count(judged, 'denial')} was false` };
  const many = `${total} of ${count(judged, 'denial')} ${total === 1 ? 'was' : 'were'} false, in ${count(buckets, 'bucket')}: the bucket held the cost at every moment`;
  return total <= declared
    ? {
        verdict: 'pass',
        reason: `${many}; the strategy declares ${declared === Number.POSITIVE_INFINITY ? 'that it splits its tokens' : `up to ${declared}`}`,
      }
    : { verdict: 'fail', reason: many };
}

function judgeReplay({ replay }: CheckFacts): Judgement {
  if (replay.replayed === 0)
    return { verdict: 'pass', reason: 'no decision says which level it left: none was replayed' };
  if (replay.total === 0)
    return { verdict: 'pass', reason: `${count(replay.replayed, 'decision')} replayed to the last quantum` };
  return {
    verdict: 'fail',
    reason: `${count(replay.total, 'decision')} of ${replay.replayed} replayed left a level that the math does not give`,
  };
}

function judgeWindows({ windows }: CheckFacts, promise: string): Judgement {
  if (windows.buckets === 0) return { verdict: 'pass', reason: `no bucket broke its promise of ${promise}` };
  const [worst] = windows.findings;
  return {
    verdict: 'fail',
    reason: `${count(windows.buckets, 'bucket')} broke the promise of ${promise}${worst === undefined ? '' : `; ${worst.bucket}: ${worst.inequality}`}`,
  };
}

function judgeAccounts({ sent, outcomes, unaccounted, files, ended }: CheckFacts): Judgement {
  const broken = files.find(({ truncatedLine }) => truncatedLine !== undefined);
  if (!ended)
    return {
      verdict: 'unknown',
      reason:
        broken === undefined
          ? 'the history has no end: the recording was cut short'
          : `the history breaks off in the middle of line ${broken.truncatedLine} of ${broken.name}`,
    };
  if (unaccounted !== 0)
    return {
      verdict: 'unknown',
      reason: `${unaccounted} of ${sent} requests sent are missing from the history`,
    };
  const sum = OUTCOMES.map((outcome) => `${outcomes[outcome]} ${outcome}`).join(' + ');
  return { verdict: 'pass', reason: `all ${sent} requests sent are accounted for: ${sum}` };
}

function judgeInfo({ sent, outcomes }: CheckFacts, { infoAtMost }: EvidenceRules): Judgement {
  const share = sent === 0 ? 1 : outcomes.info / sent;
  return {
    verdict: share <= infoAtMost ? 'pass' : 'unknown',
    reason:
      sent === 0
        ? 'no request was sent'
        : `${percent(share)} of the requests have no reply (at most ${percent(infoAtMost)})`,
  };
}

/** A system that decides little shows little, however well it decides. */
function judgeFailed({ sent, outcomes, errors }: CheckFacts, { failedAtMost }: EvidenceRules): Judgement[] {
  const share = sent === 0 ? 0 : outcomes.failed / sent;
  if (failedAtMost === undefined || share <= failedAtMost) return [];
  const codes = Object.entries(errors)
    .slice(0, 3)
    .map(([code, times]) => `${code} ${times} times`);
  const reason = `${percent(share)} of the requests were not decided (at most ${percent(failedAtMost)}): ${codes.join(', ')}`;
  return [{ verdict: 'unknown', reason }];
}

function judgeContested({ contested, buckets }: CheckFacts, rules: EvidenceRules): Judgement[] {
  const { busiest, contestedAtLeast, contestedBucketsAtLeast } = rules;
  const judgements: Judgement[] = [];
  if (contestedBucketsAtLeast !== undefined)
    judgements.push({
      verdict: contested.buckets >= contestedBucketsAtLeast ? 'pass' : 'unknown',
      reason: `${contested.buckets} of ${count(buckets, 'bucket')} were drained and contested (at least ${contestedBucketsAtLeast})`,
    });
  if (contestedBucketsAtLeast === undefined || busiest.length > 0) {
    const share = contested.ofBusiest === 0 ? 0 : contested.busiest / contested.ofBusiest;
    judgements.push({
      verdict: share >= contestedAtLeast ? 'pass' : 'unknown',
      reason:
        `${contested.busiest} of the ${contested.ofBusiest} busiest planned buckets were drained and contested ` +
        `(at least ${percent(contestedAtLeast)})`,
    });
  }
  return judgements;
}

function count(many: number, noun: string): string {
  return `${many} ${noun}${many === 1 ? '' : 's'}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.01 ? 2 : 0)}%`;
}
