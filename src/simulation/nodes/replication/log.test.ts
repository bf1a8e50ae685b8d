import { describe, expect, it } from 'vitest';
import type { Effect } from '../../scripts/store.ts';
import { ReplicationLog } from './log.ts';

const write = (key: string): Effect[] => [{ type: 'delete', key }];
const keysOf = (parts: ReturnType<ReplicationLog['after']>) =>
  parts?.flatMap(({ effects }) => effects.map(({ key }) => key));

describe('the replication stream', () => {
  it('gives what follows an offset', () => {
    const log = new ReplicationLog('a');
    const { offset } = log.append(write('1'));
    log.append(write('2'));
    expect(keysOf(log.after('a', 1))).toEqual(['1', '2']);
    expect(keysOf(log.after('a', offset))).toEqual(['2']);
    expect(keysOf(log.after('a', log.offset))).toEqual([]);
    expect(log.after('a', log.offset + 1)).toBeUndefined();
    expect(log.after('b', 0)).toBeUndefined();
  });

  it('goes on after a promotion for those that had no more of the former stream', () => {
    const primary = new ReplicationLog('a');
    const replica = new ReplicationLog('x');
    replica.restart('a', 0);
    const both = primary.append(write('both'));
    replica.receive(both);
    const lost = primary.append(write('lost'));
    replica.begin('b');
    replica.append(write('new'));
    expect(keysOf(replica.after('a', both.offset))).toEqual(['new']);
    expect(replica.after('a', lost.offset)).toBeUndefined(); // it wrote what the new primary never had
  });

  it('keeps a megabyte', () => {
    const log = new ReplicationLog('a');
    for (let i = 0; i < 20_000; i++) log.append(write(`${i}`));
    expect(log.after('a', 0)).toBeUndefined();
    const kept = keysOf(log.after('a', log.offset - 1_000_000)) ?? [];
    expect(kept.at(-1)).toBe('19999');
    expect(kept.length).toBe(Math.floor(1_000_000 / 130) + 1);
  });
});
