import type { CheckFacts } from '../evidence/facts.ts';
import { contradictionTexts } from './describe-clocks.ts';
import type { MappedParts } from './map-parts.ts';

/** What a report says of the clocks of a run in parts. */
export function machineFacts(mapped: MappedParts | undefined): Pick<CheckFacts, 'contradictions'> {
  if (mapped === undefined) return {};
  const contradictions = contradictionTexts(mapped.clocks);
  return { ...(contradictions.length > 0 && { contradictions }) };
}
