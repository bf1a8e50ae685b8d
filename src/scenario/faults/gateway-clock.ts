import { mapping, regionName, signedDuration } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { servicesOf } from './services.ts';

/** Shifts the clock of a region's Rating service; a negative offset is behind. */
export interface GatewayClockSpec {
  readonly fault: 'gateway-clock';
  readonly region: string;
  readonly offsetMs: number;
}

export const gatewayClock = {
  schema: mapping({
    ...head('gateway-clock', "Shift the clock of a region's Rating services."),
    region: regionName().meta({ description: 'The region of the services.' }),
    offset: signedDuration().meta({ description: 'How far ahead; negative is behind.' }),
  }).transform(({ offset, ...rest }) => ({ ...rest, offsetMs: offset })),
  changes: ({ region }) => [`the clock of ${region}`, ...servicesOf(region)],
  needsService: true,
  form: {
    about: "Shift the clock of a region's Rating services.",
    examples: ['--region eu-west --offset 30s', '--region eu-west --offset -30s'],
    options: [
      { flags: '--region <region>', key: 'region', about: 'the region', isRequired: true },
      {
        flags: '--offset <time>',
        key: 'offsetMs',
        about: 'how far ahead; negative is behind',
        value: 'shift',
        isRequired: true,
      },
    ],
  },
} satisfies FaultDefinition<GatewayClockSpec>;
