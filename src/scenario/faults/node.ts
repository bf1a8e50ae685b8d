import { z } from 'zod';
import type { NodeFit } from './definition.ts';

export interface OfNode {
  readonly node: string;
}

export const nodeKey = z
  .string({ error: 'a node name, like us-east-0' })
  .meta({ description: 'Named <region>-<k>: primaries are k = 0, replicas take the next numbers.' });

export const ANY_NODE: NodeFit = { what: 'one of the nodes', test: () => true };

/** The common parts of faults of any node. */
export const ofNode = {
  changes: ({ node }: OfNode): readonly string[] => [`the node ${node}`],
  nodes: ANY_NODE,
};

export const NODE_OPTION = {
  flags: '--node <node>',
  key: 'node',
  about: 'the node, as `status` names it',
  isRequired: true,
} as const;
