import { mapping } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { NODE_OPTION, nodeKey, ofNode } from './node.ts';

/** SIGKILL, then restart as soon as its replica has been promoted; a single server at once. */
export interface RestartSpec {
  readonly fault: 'restart';
  readonly node: string;
}

export const restart = {
  schema: mapping({
    ...head(
      'restart',
      'SIGKILL a primary and restart it once its replica has been promoted; a single server at once.',
    ),
    node: nodeKey,
  }),
  ...ofNode,
  nodes: {
    what: 'one of the primaries that have a replica',
    test: ({ name }, all) => all.length === 1 || all.some(({ replicaOf }) => replicaOf === name),
  },
  isMomentary: true,
  form: {
    about: 'SIGKILL a primary and restart it once its replica has been promoted; a single server at once.',
    examples: ['--node us-east-0'],
    options: [NODE_OPTION],
  },
} satisfies FaultDefinition<RestartSpec>;
