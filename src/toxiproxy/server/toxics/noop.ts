import type { ToxicType } from '../../toxic.ts';
import { passing } from '../stages.ts';

/** Passes everything: an example of a toxic, and the stand-in where toxicity spares a connection. */
export const noop: ToxicType<never> = {
  name: 'noop',
  goType: 'NoopToxic',
  attributes: {},
  start: ({ output }) =>
    passing({
      push: (data, atMs, receivedMs) => output.push(data, atMs, receivedMs),
      end: (atMs) => output.end(atMs),
    }),
};
