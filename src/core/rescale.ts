import type { Policy } from './policy.ts';

/**
 * A level in quanta of another policy's unit (quanta per token) as a level of this policy: floor(level * own unit / its
 * unit), exactly, at most the capacity. Rounded down, a change of the policy mints nothing, and loses less than a quantum.
 */
export function rescaleLevel(levelQuanta: number, unit: number, policy: Policy): number {
  const { quantaPerToken, capacityQuanta } = policy;
  if (unit === quantaPerToken) return Math.min(levelQuanta, capacityQuanta);
  const level = (BigInt(levelQuanta) * BigInt(quantaPerToken)) / BigInt(unit);
  return level < BigInt(capacityQuanta) ? Number(level) : capacityQuanta;
}
