import { checkHistory } from '../checker/check.ts';
import { type Claim, makeClaim } from '../checker/claims/claim.ts';
import { readJudgeOptions } from '../checker/judge-history.ts';
import { formatPolicy, type Policy } from '../core/policy.ts';
import { formatPromise, type Promised } from '../core/promise.ts';
import { type CheckDocument, makeCheckDocument } from '../report/check-report.ts';
import type { MatchOptions } from './match-options.ts';
import { buildHistory } from './take-history.ts';
import type { Recorded } from './taken.ts';
import type { Yardstick } from './yardstick.ts';

/** Judges takes as `openclaw-rl check` does. For `toBeHonest`, only what the limiter stated. */
export function judgeTakes(
  recorded: Recorded,
  yardstick: Yardstick,
  { matcher, ...options }: MatchOptions & { readonly matcher: string },
): CheckDocument {
  const { promise, policies } = yardstick;
  const report = checkHistory(buildHistory(recorded, yardstick), {
    ...readJudgeOptions({ ...options, promise: formatPromise(promise) }, matcher),
    isOneWindowEnough: true,
    ...(matcher === 'toBeHonest' && { claims: honestClaims(options) }),
    sayPromise: (other, policy) => matcherFor(other, policy, matcher),
  });
  return makeCheckDocument(factsOf(recorded, policies), report);
}

/** How a test asks for another promise. */
function matcherFor(promise: Promised, policy: Policy, matcher: string): string {
  const isBucket = promise.type === 'token-bucket';
  const name = matcher === 'toBeHonest' ? matcher : isBucket ? 'toKeepPolicy' : 'toKeepPromise';
  return `${name}('${isBucket ? formatPolicy(policy) : formatPromise(promise)}')`;
}

function factsOf({ strategy, initial }: Recorded, policies: Yardstick['policies']) {
  return {
    ...{ command: '', strategy, seed: 0, initial },
    policies: Object.fromEntries(policies.map(({ name, policy }) => [name, formatPolicy(policy)])),
  };
}

/** The checker adds what else such a claim needs as evidence. */
function honestClaims({ contested = 1, info = 0.05 }: MatchOptions): readonly Claim[] {
  return [
    makeClaim({ measure: 'dishonest', unit: 'count', limit: 0 }),
    makeClaim({ measure: 'info', unit: 'share', limit: info }),
    makeClaim({ measure: 'contested', unit: 'count', limit: contested }),
  ];
}
