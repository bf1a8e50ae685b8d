import { count } from '../../core/units.ts';
import type { CheckFacts } from '../evidence/facts.ts';
import type { EvidenceRow } from '../evidence/tally.ts';
import type { Sample } from './sample.ts';

const NOTHING_STATED = 'no decision stated anything besides yes or no';

/** How many stated values of the run cannot be true. */
export function dishonestSample({ dishonest, whole }: CheckFacts): Sample {
  if (whole.stated === 0) return { about: NOTHING_STATED };
  return { measured: dishonest.total, about: dishonestText(dishonest, whole.stated) };
}

/** The same of a phase. */
export function dishonestRowSample(row: EvidenceRow): Sample {
  if (row.stated === 0) return { about: NOTHING_STATED };
  const wrong = row.dishonest === 0 ? 'nothing' : count(row.dishonest, 'stated value');
  return { measured: row.dishonest, about: `${wrong} of ${count(row.stated, 'decision')} cannot be true` };
}

/** `3 stated values cannot be true, in 1 bucket: remaining too high 2, wrong policy 1`. */
export function dishonestText({ total, buckets, reasons }: CheckFacts['dishonest'], stated: number): string {
  if (total === 0) return `nothing that ${count(stated, 'decision')} stated is certainly wrong`;
  const parts = Object.entries(reasons).map(([reason, many]) => `${reason} ${many}`);
  return (
    `${count(total, 'stated value')} of ${count(stated, 'decision')} cannot be true, ` +
    `in ${count(buckets, 'bucket')}: ${parts.join(', ')}`
  );
}
