import type { Policy } from '../../../src/core/policy.ts';
import type { Random } from '../../../src/core/prng.ts';
import type { Request } from '../../../src/limiter/strategies/lease/protocol.ts';

/** A request in any order: repeated, late, of a lease that is gone, with reports that no holder would make. */
export function drawRequest({ capacityTokens }: Policy, random: Random): Request {
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  const some = () => Math.floor(random() * random() * (capacityTokens + 1));
  const want = random() < 0.2 ? 0 : some();
  return {
    holder: 1 + upTo(2),
    lease: 1 + upTo(1),
    seq: random() < 0.4 ? 1 : 1 + upTo(3),
    used: random() < 0.5 ? 0 : some(),
    returned: random() < 0.7 ? 0 : some(),
    want,
    need: random() < 0.7 ? 0 : upTo(want),
    sentAtUs: upTo(1_000),
  };
}
