import { TIMES } from '../defaults.ts';
import { duration, mapping } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { BETWEEN_OPTION, betweenKey, ofLink } from './links.ts';

/** Adds delay in both directions between two regions, growing from 0 during `rampMs`. */
export interface LatencySpec {
  readonly fault: 'latency';
  readonly between: readonly [string, string];
  /** Milliseconds in each direction. */
  readonly addMs: number;
  readonly jitterMs: number;
  readonly rampMs: number;
}

const ADDED = { leastMs: 0, mostMs: 60_000 };

export const latency = {
  schema: mapping({
    ...head('latency', 'Add latency to the link between two regions.'),
    between: betweenKey,
    add: duration(ADDED).meta({ description: 'The delay added in each direction.' }),
    jitter: duration(ADDED)
      .prefault('0ms')
      .meta({ description: 'The added delay varies by up to this, more or less.' }),
    ramp: duration(TIMES.ramp)
      .prefault('0ms')
      .meta({ description: 'The delay grows from 0 during this time.' }),
  }).transform(({ add, jitter, ramp, ...rest }) => ({
    ...rest,
    ...{ addMs: add, jitterMs: jitter, rampMs: ramp },
  })),
  ...ofLink,
  form: {
    about: 'Add latency between two regions, in each direction.',
    examples: [
      '--between us-east eu-west --add 90 --add-jitter 20',
      '--between us-east eu-west --add 2000 --grow 10s',
    ],
    options: [
      BETWEEN_OPTION,
      {
        flags: '--add <ms>',
        key: 'addMs',
        about: 'milliseconds one way, on top of the configured delay',
        value: { from: ADDED.leastMs, to: ADDED.mostMs },
        isRequired: true,
      },
      {
        flags: '--add-jitter <ms>',
        key: 'jitterMs',
        about: 'milliseconds by which it varies, more or less',
        value: { from: ADDED.leastMs, to: ADDED.mostMs },
        byDefault: '0',
      },
      {
        flags: '--grow <time>',
        key: 'rampMs',
        about: 'raise the delay gradually during this time',
        value: TIMES.ramp,
        byDefault: '0s',
      },
    ],
  },
} satisfies FaultDefinition<LatencySpec>;
