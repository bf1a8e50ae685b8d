import { mapping, signedDuration } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { NODE_OPTION, nodeKey, ofNode } from './node.ts';

/** Steps the clock of a Redis node; a negative step goes back. Healing steps it back. */
export interface NodeClockSpec {
  readonly fault: 'node-clock';
  readonly node: string;
  readonly stepMs: number;
}

export const nodeClock = {
  schema: mapping({
    ...head('node-clock', 'Step the clock of a Redis node; healing steps it back.'),
    node: nodeKey,
    step: signedDuration().meta({ description: 'How far forward; negative is back.' }),
  }).transform(({ step, ...rest }) => ({ ...rest, stepMs: step })),
  ...ofNode,
  form: {
    about: 'Step the clock of a Redis node; healing steps it back.',
    examples: ['--node us-east-0 --step 30s', '--node us-east-0 --step -30s'],
    options: [
      NODE_OPTION,
      {
        flags: '--step <time>',
        key: 'stepMs',
        about: 'how far forward; negative is back',
        value: 'shift',
        isRequired: true,
      },
    ],
  },
} satisfies FaultDefinition<NodeClockSpec>;
