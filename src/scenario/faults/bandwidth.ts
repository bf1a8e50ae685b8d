import { byteRate, mapping } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { BETWEEN_OPTION, betweenKey, ofLink } from './links.ts';

/** Both ways between two regions, for each connection. */
export interface BandwidthSpec {
  readonly fault: 'bandwidth';
  readonly between: readonly [string, string];
  /** Kilobytes (1,000 bytes) a second. */
  readonly rateKBps: number;
}

export const bandwidth = {
  schema: mapping({
    ...head('bandwidth', 'Limit the bandwidth of each connection between two regions.'),
    between: betweenKey,
    rate: byteRate().meta({ description: 'For each connection, in kilobytes of 1,000 bytes.' }),
  }).transform(({ rate, ...rest }) => ({ ...rest, rateKBps: rate })),
  ...ofLink,
  form: {
    about: 'Limit the bandwidth between two regions, per connection and direction.',
    examples: ['--between us-east eu-west --limit 100'],
    options: [
      BETWEEN_OPTION,
      {
        flags: '--limit <kB/s>',
        key: 'rateKBps',
        about: 'kilobytes (1,000 bytes) per second',
        value: { from: 1, to: 10_000_000 },
        isRequired: true,
      },
    ],
  },
} satisfies FaultDefinition<BandwidthSpec>;
