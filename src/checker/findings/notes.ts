import { count } from '../../core/units.ts';
import type { Verdict } from '../../core/verdict.ts';
import { leftOutText } from '../../history/parts/part-texts.ts';
import type { Claim } from '../claims/claim.ts';
import { dishonestText } from '../claims/dishonest-sample.ts';
import type { ClaimResult } from '../claims/evaluate.ts';
import { isOnCorrectness } from '../claims/evidence-claims.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import { REASONS, type Reason } from './reasons/reasons.ts';

export const NOT_CHECKED =
  'correctness is not checked, because no claim is about it: claim total-excess, worst-window, false-denials, replay, windows or dishonest';

/** Notes for the reader in addition to the reasons of the verdict. */
export function notesOf(claims: readonly Claim[], facts: CheckFacts): readonly string[] {
  return [
    ...(claims.some(isOnCorrectness) ? [] : [NOT_CHECKED]),
    ...unclaimedDenials(claims, facts),
    ...unclaimedLies(claims, facts),
    ...leftOutFiles(facts),
  ];
}

/** False denials, if no claim is about them and the strategy does not declare any number of them. */
function unclaimedDenials(claims: readonly Claim[], { falseDenials }: CheckFacts): readonly string[] {
  const { total, buckets, declaresAny } = falseDenials;
  if (total === 0 || declaresAny === true || claims.some(({ measure }) => measure === 'false-denials'))
    return [];
  return [
    `${count(total, 'false denial')} in ${count(buckets, 'bucket')}; the verdict leaves ${total === 1 ? 'it' : 'them'} out, because no claim is about ${total === 1 ? 'it' : 'them'}: claim false-denials <= 0`,
  ];
}

/** Stated values that cannot be true, if no claim is about them. */
function unclaimedLies(claims: readonly Claim[], { dishonest, whole }: CheckFacts): readonly string[] {
  if (dishonest.total === 0 || claims.some(({ measure }) => measure === 'dishonest')) return [];
  return [
    `${dishonestText(dishonest, whole.stated)}; the verdict leaves it out, because no claim is about it: claim dishonest <= 0, or check --dishonest 0`,
  ];
}

/** Files of a run in parts that were left out, but those that are reasons of the verdict. */
function leftOutFiles({ parts }: CheckFacts): readonly string[] {
  const harmless = parts?.leftOut.filter(({ why }) => why !== 'double') ?? [];
  return harmless.map((file) => leftOutText(file, parts?.files ?? []));
}

interface Explained {
  readonly verdict: Verdict;
  readonly diagnosis: readonly string[];
  readonly reasons?: readonly Reason[];
  readonly claims: readonly ClaimResult[];
  readonly notes?: readonly string[];
  readonly notJudged?: readonly string[];
}

/**
 * What is not judged, the causes and the notes as lines with their label. A cause is `why` if a claim is broken that it explains, and so the
 * verdict is `fail`. Else it is a note; with the verdict `pass`, with the claims that still hold.
 */
export function listRemarks({
  verdict,
  diagnosis,
  reasons = [],
  claims,
  notes = [],
  notJudged = [],
}: Explained) {
  const correctness = claims.filter(({ kind }) => kind === 'correctness');
  const broken = verdict === 'fail' ? correctness.filter(({ status }) => status === 'broken') : [];
  const held = correctness.filter(({ status }) => status === 'holds');
  const tolerant = held.filter(({ measured }) => measured !== null && measured > 0);
  const shown = tolerant.length === 0 ? held : tolerant;
  const kept = `${shown.map(({ claim }) => claim).join(', ')} ${shown.length === 1 ? 'holds' : 'hold'}`;
  const causes = diagnosis.map((sentence) => {
    const code = reasons.find((reason) => reason.sentence === sentence)?.reason;
    if (broken.some(({ claim }) => explainsClaim(code, claim))) return { label: 'why', sentence } as const;
    const isHarmless = verdict === 'pass' && shown.length > 0;
    return {
      label: 'note',
      sentence: isHarmless ? `${sentence}; it breaks no claim: ${kept}` : sentence,
    } as const;
  });
  return [
    ...notJudged.map((sentence) => ({ label: 'not judged', sentence }) as const),
    ...causes,
    ...notes.map((sentence) => ({ label: 'note', sentence }) as const),
  ];
}

/** Whether a cause explains what a claim counts. A cause without a code is of an earlier version. */
function explainsClaim(code: string | undefined, claim: string): boolean {
  const explains = code === undefined ? 'both' : (REASONS[code] ?? 'both');
  if (claim.startsWith('dishonest')) return false;
  if (claim.startsWith('replay') || explains === 'both') return true;
  return /^(false-denials|admitted)/.test(claim) === (explains === 'denials');
}
