import { mapping } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { NODE_OPTION, nodeKey, ofNode } from './node.ts';

/** SIGKILL; healing restarts the node with the data it kept. */
export interface KillSpec {
  readonly fault: 'kill';
  readonly node: string;
}

export const kill = {
  schema: mapping({
    ...head('kill', 'SIGKILL a node; healing restarts it with the data it kept.'),
    node: nodeKey,
  }),
  ...ofNode,
  form: {
    about: 'SIGKILL a node; healing restarts it, once its replica took over if it has one.',
    examples: ['--node us-east-0'],
    options: [NODE_OPTION],
  },
} satisfies FaultDefinition<KillSpec>;
