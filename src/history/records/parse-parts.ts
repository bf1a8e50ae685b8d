import type { Evidence } from '../../core/decision.ts';
import { given } from '../../core/given.ts';
import { quoted } from '../../core/printable.ts';
import { asObject, cost, type Fields, number, optional, RecordError, text } from './fields.ts';
import { type Charge, type Operation, OUTCOMES, type Outcome } from './operation.ts';

/** When an operation, or a step of it, began and ended, and how. */
export function parseInterval(fields: Fields): Pick<Operation, 'invokedUs' | 'completedUs' | 'outcome'> & {
  readonly latestUs: number | undefined;
} {
  const outcome = parseOutcome(fields);
  const invokedUs = Math.floor(number(fields, 'invokedUs'));
  const completedUs = parseCompletion(fields, outcome, invokedUs);
  const latestUs = optional(fields, 'latestUs', number);
  if (latestUs !== undefined && latestUs < invokedUs)
    throw new RecordError(`latestUs must not be before invokedUs (${invokedUs}); found ${latestUs}`);
  return {
    ...{ invokedUs, completedUs, outcome },
    latestUs: latestUs === undefined ? undefined : Math.ceil(latestUs),
  };
}

function parseOutcome({ outcome }: Fields): Outcome {
  const known = OUTCOMES.find((name) => name === outcome);
  if (known !== undefined) return known;
  throw new RecordError(`outcome must be one of ${OUTCOMES.join(', ')}; found ${quoted(outcome)}`);
}

function parseCompletion(fields: Fields, outcome: string, invokedUs: number): number | null {
  if (outcome === 'info') return null; // no reply that settles the charge
  if (outcome === 'failed' && (fields.completedUs ?? null) === null) return invokedUs;
  const completedUs = Math.ceil(number(fields, 'completedUs'));
  if (completedUs >= invokedUs) return completedUs;
  throw new RecordError(
    `completed before it was invoked: completedUs ${completedUs}, invokedUs ${invokedUs}`,
  );
}

export function parseBucket(fields: Fields): string {
  const { bucket } = fields;
  if (typeof bucket === 'string' && bucket !== '') return text(fields, 'bucket');
  throw new RecordError(`an operation needs a bucket; found ${quoted(bucket)}`);
}

export function parseCharges(value: unknown): Charge[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length === 0)
    throw new RecordError(`charges must be a list of at least one charge; found ${quoted(value)}`);
  return value.map((item) => {
    const fields = asObject(item, 'a charge');
    return {
      bucket: parseBucket(fields),
      cost: optional(fields, 'cost', cost) ?? 1,
      ...given({ policy: optional(fields, 'policy', text) }),
    };
  });
}

const CHARGES = ['none', 'possible'] as const;
const SOURCES = ['redis', 'lease', 'local', 'fallback'] as const;

export function parseDecision(value: unknown): Evidence | undefined {
  if (value === undefined || value === null) return undefined;
  const fields = asObject(value, 'decision');
  const { level, source, charge } = fields;
  const isLevel = typeof level === 'string' && /^-?\d{1,16}$/.test(level);
  if (level !== undefined && !(isLevel && Number.isSafeInteger(Number(level))))
    throw new RecordError(
      `decision.level must be a decimal string of quanta within 2^53; found ${quoted(level)}`,
    );
  return {
    strategy: optional(fields, 'strategy', text) ?? '',
    node: optional(fields, 'node', text) ?? '',
    source: SOURCES.find((known) => known === source) ?? 'local', // it says nothing about the shared bucket
    ...given({
      atUs: optional(fields, 'atUs', number),
      bucketUs: optional(fields, 'bucketUs', number),
      levelQuanta: level === undefined ? undefined : Number(level),
      ageUs: optional(fields, 'ageUs', number),
      charge: CHARGES.find((known) => known === charge),
    }),
  };
}
