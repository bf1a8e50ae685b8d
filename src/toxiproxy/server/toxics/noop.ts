import type { ToxicType } from '../../toxic.ts';
import { passing } from '../stages.ts';

/** Lets everything through: the example of a toxic, and what stands in where toxicity spares a connection. */
export const noop: ToxicType<never> = {
  name: 'noop',
  goType: 'NoopToxic',
  attributes: {},
  start: ({ output }) =>
    passing({
      push: (data, atMs) => output.push(data, atMs),
      end: (atMs) => output.end(atMs),
    }),
};
