import type { Decision, PolicyDecision } from '../../../core/decision.ts';
import type { Policy } from '../../../core/policy.ts';
import { timeToFullUs, timeToNextTokenUs } from '../../../core/retry-after.ts';
import type { Level, NamedPolicy, PolicyLevel } from '../../limiter.ts';
import type { ScriptReply } from '../../redis/port.ts';
import type { TakeReply } from './single-takes.ts';

/** The decision of one policy. */
export function describeTake(reply: TakeReply, { quantaPerToken }: Policy, strategy: string): Decision {
  const { allowed, levelQuanta, retryAfterUs, atUs, bucketUs, node } = reply;
  return {
    allowed,
    remainingTokens: Math.floor(levelQuanta / quantaPerToken),
    retryAfterUs,
    evidence: { strategy, node, source: 'redis', atUs, bucketUs, levelQuanta },
  };
}

/** The decision of `lua/take-all.lua`. */
export function describeTakeAll(
  { values, node }: ScriptReply,
  policies: readonly NamedPolicy[],
  strategy: string,
): Decision {
  const [allowed, isRemembered, atUs = 0, bucketUs = 0, ...levels] = values;
  const parts = policies.map(
    ({ name, policy }, i): PolicyDecision => ({
      policy: name,
      remainingTokens: Math.floor((levels[2 * i] ?? 0) / policy.quantaPerToken),
      levelQuanta: levels[2 * i] ?? 0,
      retryAfterUs: levels[2 * i + 1] ?? 0,
    }),
  );
  const [only, second] = parts;
  const evidence = { strategy, node, source: 'redis', atUs, bucketUs } as const;
  return {
    allowed: allowed === 1,
    remainingTokens: Math.min(...parts.map(({ remainingTokens }) => remainingTokens)),
    retryAfterUs: Math.max(...parts.map(({ retryAfterUs }) => retryAfterUs)),
    evidence: second === undefined && only ? { ...evidence, levelQuanta: only.levelQuanta } : evidence,
    ...(second !== undefined && { policies: parts }),
    ...(isRemembered === 1 && { isRemembered: true }),
  };
}

/** The levels of `lua/peek.lua` and `lua/refund.lua`. */
export function describeLevels(
  values: readonly number[],
  node: string,
  policies: readonly NamedPolicy[],
): Level {
  const [atUs = 0, bucketUs = 0, ...levels] = values;
  const behindUs = bucketUs - atUs;
  const parts = policies.map(({ name, policy }, i): PolicyLevel => {
    const levelQuanta = levels[i] ?? 0;
    const untilFullUs = timeToFullUs(levelQuanta, policy);
    return {
      policy: name,
      levelQuanta,
      remainingTokens: Math.floor(levelQuanta / policy.quantaPerToken),
      timeToNextTokenUs: untilFullUs === 0 ? 0 : timeToNextTokenUs(levelQuanta, policy) + behindUs,
      timeToFullUs: untilFullUs === 0 ? 0 : untilFullUs + behindUs,
    };
  });
  const { policy: _, ...fewest } = parts.reduce((least, part) =>
    part.remainingTokens < least.remainingTokens ? part : least,
  );
  return { ...fewest, node, atUs, ...(parts.length > 1 && { policies: parts }) };
}
