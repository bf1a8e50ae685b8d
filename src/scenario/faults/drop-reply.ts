import { mapping, regionList } from '../fields.ts';
import { type FaultDefinition, head } from './definition.ts';
import { passes } from './links.ts';

/** Requests from these regions reach other regions, but their replies are lost. */
export interface DropReplySpec {
  readonly fault: 'drop-reply';
  readonly regions: readonly string[];
}

export const dropReply = {
  schema: mapping({
    ...head('drop-reply', 'Requests reach other regions, but their replies are lost.'),
    regions: regionList().meta({ description: 'The regions whose requests get no reply.' }),
  }),
  changes: (spec, regions) => passes(regions, ({ from }) => spec.regions.includes(from)),
  losesReplies: true,
  form: {
    about: 'Lose the replies to requests to other regions; the requests take effect.',
    examples: ['--from eu-west'],
    options: [
      {
        flags: '--from <regions...>',
        key: 'regions',
        about: 'the regions that send the requests',
        isRequired: true,
      },
    ],
  },
} satisfies FaultDefinition<DropReplySpec>;
