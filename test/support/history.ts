import { parsePolicy } from '../../src/core/policy.ts';
import { HistoryBuilder } from '../../src/history/columns/builder.ts';
import type { History } from '../../src/history/history.ts';
import type { Header, HistoryRecord, Operation } from '../../src/history/records/operation.ts';

/** An operation of which a test says what matters; times in microseconds. */
export type OperationPart = Partial<Omit<Operation, 'type' | 'index'>>;

/** An operation, complete. */
export function operationOf(index: number, part: OperationPart): Operation {
  const invokedUs = part.invokedUs ?? 0;
  const outcome = part.outcome ?? 'allowed';
  return {
    type: 'op',
    index,
    bucket: 'b',
    user: 'u',
    region: 'r',
    process: 0,
    cost: 1,
    invokedUs,
    completedUs: outcome === 'info' ? null : invokedUs,
    outcome,
    ...part,
  };
}

/** The header of a history of one policy, `capacity:rate`, of a limiter that decides on the recorder's clock. */
export function headerOf(policy = '20:5/s', changes: Partial<Header> = {}): Header {
  const { capacityTokens, refill } = parsePolicy(policy);
  return {
    type: 'header',
    format: 'openclaw-history',
    version: 1,
    policy: { capacity: capacityTokens, refill },
    strategy: 'central',
    scenario: 'test',
    seed: 1,
    regions: ['r'],
    startedAt: '',
    initial: 'full',
    clocks: 'one', // its tests are about exact amounts
    ...changes,
  };
}

/** A history of these operations and other records; ended, unless `sent` is null. */
export function historyOf(
  parts: readonly OperationPart[],
  {
    policy,
    header,
    records = [],
    sent,
  }: {
    policy?: string;
    header?: Partial<Header>;
    records?: readonly HistoryRecord[];
    sent?: number | null;
  } = {},
): History {
  const builder = new HistoryBuilder();
  builder.startFile('test.ndjson');
  builder.add(headerOf(policy, header));
  for (const [index, part] of parts.entries()) builder.add(operationOf(index, part));
  for (const record of records) builder.add(record);
  if (sent !== null) builder.add({ type: 'end', atUs: 0, sent: sent ?? parts.length });
  builder.endFile();
  return builder.build();
}
