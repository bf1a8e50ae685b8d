import { mapping } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { NODE_OPTION, nodeKey, ofNode } from './node.ts';

/** SIGSTOP; healing sends SIGCONT. */
export interface PauseSpec {
  readonly fault: 'pause';
  readonly node: string;
}

export const pause = {
  schema: mapping({
    ...head('pause', 'SIGSTOP a node; SIGCONT when healed.'),
    node: nodeKey,
  }),
  ...ofNode,
  form: {
    about: 'Pause a node (SIGSTOP); once healed, it answers the requests that waited.',
    examples: ['--node us-east-0'],
    options: [NODE_OPTION],
  },
} satisfies FaultDefinition<PauseSpec>;
