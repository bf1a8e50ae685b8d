import { mapping } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { NODE_OPTION, nodeKey, ofNode } from './node.ts';

/** An ordered failover: this replica becomes the primary; also a former primary, after another failover. */
export interface FailoverSpec {
  readonly fault: 'failover';
  readonly node: string;
}

export const failover = {
  schema: mapping({
    ...head('failover', 'An ordered failover: this replica becomes the primary.'),
    node: nodeKey,
  }),
  ...ofNode,
  changes: () => [], // over at once
  nodes: { what: 'one of the replicas', test: ({ replicaOf }) => replicaOf !== undefined },
  isMomentary: true,
  form: {
    about: 'Order a failover: this replica becomes the primary.',
    examples: ['--node eu-west-1'],
    options: [NODE_OPTION],
  },
} satisfies FaultDefinition<FailoverSpec>;
