import type { CertificateRecord } from '../../../src/checker/certificates/certificate-lines.ts';
import type { Header, Operation } from '../../../src/history/records/operation.ts';
import { stepsOf } from './changed-order.ts';

export type Group = Extract<CertificateRecord, { readonly type: 'group' }>;

interface Name {
  readonly bucket: string;
  readonly policy?: string | undefined;
}

/**
 * Decides whether a proof of a group is right, in another way than the verifier: the level of a bucket before an operation
 * is the least over all earlier moments at which it can have been full. Of histories of one recorder's clock without
 * decision ids, refunds, resets and failure policies, whose operations all have charges.
 */
export function isValidGroup(group: Group, operations: readonly Operation[], header: Header): boolean {
  const isOf = (name: Name) => (charge: Name) =>
    charge.bucket === name.bucket && charge.policy === name.policy;
  // an operation is listed with the first of its buckets, and has a number with each
  const numbered = group.members.flatMap((name) =>
    operations.filter(({ charges = [] }) => charges.some(isOf(name))),
  );
  const steps = stepsOf(group).map((step) => ({ ...step, operation: numbered[step.code / 2] }));
  for (const [at, { operation, atUs }] of steps.entries()) {
    if (operation === undefined || operation.outcome === 'failed') return false;
    const { charges = [], invokedUs, completedUs, outcome } = operation;
    if (atUs < (steps[at - 1]?.atUs ?? atUs)) return false;
    if (atUs < invokedUs || atUs > (completedUs ?? Number.POSITIVE_INFINITY)) return false;
    const holds = charges.every((charge) => {
      const { capacity, refill } = header.policies?.[charge.policy ?? ''] ?? {
        capacity: 0,
        refill: { tokens: 0, perUs: 1 },
      };
      const taken = steps.slice(0, at).flatMap((step) => {
        const own = step.operation?.outcome !== 'denied' && step.operation?.charges?.find(isOf(charge));
        return own ? [{ us: step.atUs, cost: own.cost }] : [];
      });
      const levels = [...taken, { us: atUs, cost: 0 }].map(({ us }, from) => {
        const spent = taken.slice(from).reduce((sum, { cost }) => sum + cost, 0);
        return (capacity - spent) * refill.perUs + refill.tokens * (atUs - us);
      });
      return Math.min(...levels) >= charge.cost * refill.perUs;
    });
    if (holds !== (outcome !== 'denied')) return false;
  }
  const placed = steps.map(({ operation }) => operation);
  return (
    new Set(placed).size === placed.length &&
    numbered.every((one) => one.outcome === 'info' || placed.includes(one))
  );
}
