import type { Evidence } from '../../core/decision.ts';
import { given } from '../../core/given.ts';
import { quoted } from '../../core/printable.ts';
import { asObject, cost, type Fields, number, optional, RecordError, text, whole } from './fields.ts';
import { type Charge, type Operation, OUTCOMES, type Stated } from './operation.ts';

/** Reads an operation; keeps only what the checker needs. Throws RecordError. */
export function parseOperation(fields: Fields): Operation {
  const { outcome } = fields;
  const known = OUTCOMES.find((name) => name === outcome);
  if (known === undefined)
    throw new RecordError(`outcome must be one of ${OUTCOMES.join(', ')}; found ${quoted(outcome)}`);
  const invokedUs = Math.floor(number(fields, 'invokedUs'));
  const completedUs = parseCompletion(fields, known, invokedUs);
  const latestUs = optional(fields, 'latestUs', number);
  if (latestUs !== undefined && latestUs < invokedUs)
    throw new RecordError(`latestUs must not be before invokedUs (${invokedUs}); found ${latestUs}`);
  const intendedUs = optional(fields, 'intendedUs', wholeUs);
  if (intendedUs !== undefined && intendedUs > invokedUs)
    throw new RecordError(`intendedUs must not be after invokedUs (${invokedUs}); found ${intendedUs}`);
  const charges = parseCharges(fields.charges);
  return {
    type: 'op',
    index: whole(fields, 'index', 2 ** 32 - 1),
    bucket: charges === undefined ? parseBucket(fields) : '',
    user: optional(fields, 'user', text) ?? '',
    region: optional(fields, 'region', text) ?? '',
    process: optional(fields, 'process', number) ?? 0,
    cost: optional(fields, 'cost', cost) ?? 1,
    invokedUs,
    completedUs,
    outcome: known,
    ...given({
      instance: optional(fields, 'instance', text),
      intendedUs,
      policy: optional(fields, 'policy', text),
      maxCharge: optional(fields, 'maxCharge', cost),
      latestUs: latestUs === undefined ? undefined : Math.ceil(latestUs),
      decisionId: optional(fields, 'decisionId', text),
      error: optional(fields, 'error', text),
      decision: parseDecision(fields.decision),
      stated: parseStated(fields.stated),
      charges,
    }),
  };
}

const wholeUs = (fields: Fields, name: string) => Math.floor(number(fields, name));

function parseCompletion(fields: Fields, outcome: string, invokedUs: number): number | null {
  if (outcome === 'info') return null; // no reply that settles the charge
  if (outcome === 'failed' && (fields.completedUs ?? null) === null) return invokedUs;
  const completedUs = Math.ceil(number(fields, 'completedUs'));
  if (completedUs >= invokedUs) return completedUs;
  throw new RecordError(
    `completed before it was invoked: completedUs ${completedUs}, invokedUs ${invokedUs}`,
  );
}

function parseBucket(fields: Fields): string {
  const { bucket } = fields;
  if (typeof bucket === 'string' && bucket !== '') return text(fields, 'bucket');
  throw new RecordError(`an operation needs a bucket; found ${quoted(bucket)}`);
}

function parseCharges(value: unknown): Charge[] | undefined {
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

function parseDecision(value: unknown): Evidence | undefined {
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

const RESET_FORMS = ['delta', 'any'] as const;

/** Reads what was stated after JSON.parse. Throws RecordError. */
export function parseStated(value: unknown): Stated | undefined {
  if (value === undefined || value === null) return undefined;
  const fields = asObject(value, 'stated');
  const { resetForm = null } = fields;
  const form = RESET_FORMS.find((known) => known === resetForm);
  if (form === undefined && resetForm !== null)
    throw new RecordError(`stated.resetForm must be delta or any; found ${quoted(resetForm)}`);
  return given({
    remaining: optional(fields, 'remaining', number),
    retryAfterS: optional(fields, 'retryAfterS', number),
    retryAtS: optional(fields, 'retryAtS', number),
    reset: optional(fields, 'reset', number),
    resetForm: form,
    limit: optional(fields, 'limit', number),
    windowS: optional(fields, 'windowS', number),
  });
}
