import type { Verdict } from '../core/verdict.ts';
import { OUTCOMES } from '../history/operation.ts';
import type { Claim } from './claim.ts';
import { type ClaimResult, evaluateClaims } from './claims.ts';
import type { CheckFacts } from './facts.ts';
import { notesOf } from './notes.ts';

/** One reason for the verdict, as a sentence. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** Every claim, and whether the recording can be trusted to tell. */
export interface Judged {
  readonly claims: readonly ClaimResult[];
  readonly accounts: readonly Judgement[];
  readonly notes?: readonly string[];
}

/** Holds the claims against what was found. A history that is not complete proves nothing, but may convict. */
export function judge(facts: CheckFacts, claims: readonly Claim[]): Judged {
  const notes = notesOf(claims);
  return {
    ...(notes.length > 0 && { notes }),
    claims: evaluateClaims(claims, facts),
    accounts: [
      judgeAccounts(facts),
      ...facts.troubles.map((reason) => ({ verdict: 'unknown' as const, reason })),
    ],
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
          : `the history breaks off in the middle of line ${broken.truncatedLine} of ${broken.name}: a whole last line ends with a newline`,
    };
  if (unaccounted < 0)
    return {
      verdict: 'unknown',
      reason:
        `the end record counts ${sent} requests sent, but ${sent - unaccounted} are recorded: ` +
        'write one end record for each file, after its last operation, with the number of its operations',
    };
  if (unaccounted > 0)
    return {
      verdict: 'unknown',
      reason: `${unaccounted} of ${sent} requests sent are missing from the history`,
    };
  const sum = OUTCOMES.map((outcome) => `${outcomes[outcome]} ${outcome}`).join(' + ');
  return { verdict: 'pass', reason: `all ${sent} requests sent are accounted for: ${sum}` };
}
