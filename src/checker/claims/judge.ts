import type { Verdict } from '../../core/verdict.ts';
import { incompleteTexts } from '../../history/parts/part-texts.ts';
import { OUTCOMES } from '../../history/records/operation.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import { notesOf } from '../findings/notes.ts';
import type { Claim } from './claim.ts';
import { type ClaimResult, evaluateClaims } from './evaluate.ts';

/** One reason for the verdict, as a sentence. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** The result of every claim, and whether the recording is complete. */
export interface Judged {
  readonly claims: readonly ClaimResult[];
  readonly accounts: readonly Judgement[];
  readonly notes?: readonly string[];
}

/** Why nothing in a history is judged. */
export const CONTRADICTED = 'parts of the run contradict each other';
export const LEFT = 'the limiter left the simulation';

/** Compares the claims with the facts. An incomplete history can refute a claim but not prove it. */
export function judge(facts: CheckFacts, claims: readonly Claim[]): Judged {
  const notes = notesOf(claims, facts);
  return {
    ...(notes.length > 0 && { notes }),
    claims: evaluateClaims(claims, facts).map((result) =>
      isJudged(result, facts) ? ofSample(result, facts) : unjudged(result, facts),
    ),
    accounts: [
      ...judgeAccounts(facts),
      ...judgeSample(facts),
      ...whyNothingIsJudged(facts).map((reason) => ({ verdict: 'unknown' as const, reason })),
      ...facts.troubles.map((reason) => ({ verdict: 'unknown' as const, reason })),
    ],
  };
}

/**
 * Where clocks contradict each other, no operation has a time. A limiter that left its simulation decides by other times than
 * its operations have.
 */
export function whyNothingIsJudged({ contradictions = [], outside = [] }: CheckFacts): readonly string[] {
  return [...contradictions, ...outside];
}

function isJudged({ kind }: ClaimResult, facts: CheckFacts): boolean {
  return kind !== 'correctness' || whyNothingIsJudged(facts).length === 0;
}

function unjudged(result: ClaimResult, { contradictions = [] }: CheckFacts): ClaimResult {
  const why = contradictions.length > 0 ? CONTRADICTED : LEFT;
  return {
    ...result,
    ...{ status: 'unknown', verdict: 'unknown', measured: null },
    reason: `${result.claim}: not judged, since ${why}`,
  };
}

/** What holds in some buckets is not known of the others; what is broken in one of them is broken. */
function ofSample(result: ClaimResult, { sample, buckets }: CheckFacts): ClaimResult {
  if (sample === undefined || result.kind !== 'correctness' || result.status !== 'holds') return result;
  const reason = `${result.claim}: it holds in the ${buckets} buckets of the sample; the others were not judged`;
  return { ...result, status: 'unknown', verdict: 'unknown', reason };
}

function judgeSample({ sample, sent, buckets }: CheckFacts): Judgement[] {
  if (sample === undefined) return [];
  const { share, others } = sample;
  const reason =
    `a sample: ${others} of ${sent} requests were to buckets that the seed left out, which were not judged. ` +
    `Each bucket is in the sample with a probability of ${share}; ${buckets} of it had requests`;
  return [{ verdict: 'unknown', reason }];
}

/** The first says whether all requests are accounted for. */
function judgeAccounts(facts: CheckFacts): Judgement[] {
  const { parts } = facts;
  if (parts?.isWhole !== false) return [judgeFiles(facts)];
  const incomplete = incompleteTexts(parts).map((reason) => ({ verdict: 'unknown' as const, reason }));
  return facts.ended && facts.unaccounted !== 0 ? [...incomplete, judgeFiles(facts)] : incomplete;
}

function judgeFiles({ sent, outcomes, unaccounted, sample, files, ended }: CheckFacts): Judgement {
  const unknown = (reason: string): Judgement => ({ verdict: 'unknown', reason });
  const broken = files.find(({ truncatedLine }) => truncatedLine !== undefined);
  if (!ended && broken === undefined) return unknown('the history has no end: the recording was cut short');
  if (!ended)
    return unknown(
      `the history breaks off in the middle of line ${broken?.truncatedLine} of ${broken?.name}: a complete last line ends with a newline`,
    );
  if (unaccounted < 0)
    return unknown(
      `the end record counts ${sent} requests sent, but ${sent - unaccounted} are recorded: ` +
        'write one end record for each file, after its last operation, with the number of its operations',
    );
  if (unaccounted > 0) return unknown(`${unaccounted} of ${sent} requests sent are missing from the history`);
  const sum = OUTCOMES.map((outcome) => `${outcomes[outcome]} ${outcome}`).join(' + ');
  const others = sample === undefined ? '' : ` + ${sample.others} of buckets outside the sample`;
  return { verdict: 'pass', reason: `all ${sent} requests sent are accounted for: ${sum}${others}` };
}
