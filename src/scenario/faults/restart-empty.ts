import { mapping } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { NODE_OPTION, nodeKey, ofNode } from './node.ts';

/** SIGKILL and restart at once without data, before a failover. */
export interface RestartEmptySpec {
  readonly fault: 'restart-empty';
  readonly node: string;
}

export const restartEmpty = {
  schema: mapping({
    ...head('restart-empty', 'SIGKILL a node and restart it at once without its data.'),
    node: nodeKey,
  }),
  ...ofNode,
  isMomentary: true,
  form: {
    about: 'SIGKILL a node and restart it without its data, before a failover.',
    examples: ['--node us-east-0'],
    options: [NODE_OPTION],
  },
} satisfies FaultDefinition<RestartEmptySpec>;
