import { describe, expect, it } from 'vitest';
import type { Operation } from '../history/records/operation.ts';
import type { Regions } from '../regions/provider.ts';
import { NodeNames } from './node-names.ts';

/** Nodes of a system that was running: by name, the addresses in its file, announced, and others. */
function external(isExternal = true): Regions {
  const endpoint = (text: string) => ({
    host: text.split(':')[0] ?? '',
    port: Number(text.split(':')[1]),
  });
  return {
    topology: {
      nodes: [{ name: 'us-1', region: 'us', index: 0 }],
      ...(isExternal && { external: 'cluster' }),
    },
    direct: () => endpoint('redis.example.com:6379'),
    announced: () => endpoint('10.0.0.5:6379'),
    aliases: () => ['node-1.internal:6379'],
  } as unknown as Regions;
}

const by = (node: string) => ({ decision: { node } }) as Operation;
const nameOf = (names: NodeNames, node: string) => names.name(by(node)).decision?.node;

describe('the node of a decision', () => {
  it.each(['redis.example.com:6379', '10.0.0.5:6379', 'node-1.internal:6379'])(
    'is known by %s',
    (address) => {
      const names = new NodeNames(external());
      expect(nameOf(names, address)).toBe('us-1');
      expect(names.problems()).toEqual([]);
    },
  );

  it('has no address if the endpoints file does not name it, and the run says so', () => {
    const names = new NodeNames(external());
    expect(['10.9.9.9:1', '10.9.9.8:1', '10.9.9.9:1', 'none'].map((node) => nameOf(names, node))).toEqual([
      'unnamed-1',
      'unnamed-2',
      'unnamed-1',
      'none',
    ]);
    expect(names.problems()).toEqual([
      '2 nodes that the endpoints file does not name decided requests; add every node of the cluster',
    ]);
  });

  it('is left as it is in regions of ours', () => {
    const names = new NodeNames(external(false));
    expect([nameOf(names, '127.0.0.9:7100'), names.problems()]).toEqual(['127.0.0.9:7100', []]);
  });
});
