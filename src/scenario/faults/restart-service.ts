import { invalidOption } from '../../core/errors.ts';
import { LIMITS } from '../defaults.ts';
import { mapping, regionName, wholeNumber } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { servicesOf } from './services.ts';

/** SIGKILL of Rating services; healing starts them again at their addresses. */
export interface RestartServiceSpec {
  readonly fault: 'restart-service';
  readonly region: string;
  /** Its place among the services of its region, from 1; absent: all of them. */
  readonly instance?: number;
}

export const restartService = {
  schema: mapping({
    ...head('restart-service', 'SIGKILL Rating services; healing starts them again at their addresses.'),
    region: regionName().meta({ description: 'The region of the services.' }),
    instance: wholeNumber(...LIMITS.instances)
      .optional()
      .meta({ description: 'Only this one of its services, from 1. Default: all of them.' }),
  }).transform(({ instance, ...rest }) => ({ ...rest, ...(instance !== undefined && { instance }) })),
  changes: ({ region, instance }) => servicesOf(region, instance),
  needsService: true,
  form: {
    about: 'SIGKILL Rating services; healing starts them again at their addresses.',
    examples: ['--region eu-west', '--region eu-west --instances 3'],
    options: [
      { flags: '--region <region>', key: 'region', about: 'the region', isRequired: true },
      {
        flags: '--instance <number>',
        key: 'instance',
        about: 'only this one of its services, from 1 (default: all)',
        value: { parse: parseInstance, format: String },
      },
    ],
  },
} satisfies FaultDefinition<RestartServiceSpec>;

function parseInstance(text: string): number {
  const [least, most] = LIMITS.instances;
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw invalidOption(`expected a whole number from ${least} to ${most}`);
}
