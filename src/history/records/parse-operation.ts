import { given } from '../../core/given.ts';
import { quoted } from '../../core/printable.ts';
import { asObject, cost, type Fields, number, optional, RecordError, text, whole } from './fields.ts';
import type { Operation, Stated } from './operation.ts';
import { parseBucket, parseCharges, parseDecision, parseInterval } from './parse-parts.ts';
import { parseReservation } from './parse-reservation.ts';

/** Reads an operation; keeps only what the checker needs. Throws RecordError. */
export function parseOperation(fields: Fields): Operation {
  const { invokedUs, completedUs, outcome, latestUs } = parseInterval(fields);
  const intendedUs = optional(fields, 'intendedUs', wholeUs);
  if (intendedUs !== undefined && intendedUs > invokedUs)
    throw new RecordError(`intendedUs must not be after invokedUs (${invokedUs}); found ${intendedUs}`);
  const charges = parseCharges(fields.charges);
  const operation: Operation = {
    type: 'op',
    index: whole(fields, 'index', 2 ** 32 - 1),
    bucket: charges === undefined ? parseBucket(fields) : '',
    user: optional(fields, 'user', text) ?? '',
    region: optional(fields, 'region', text) ?? '',
    process: optional(fields, 'process', number) ?? 0,
    cost: optional(fields, 'cost', cost) ?? 1,
    invokedUs,
    completedUs,
    outcome,
    ...given({
      instance: optional(fields, 'instance', text),
      intendedUs,
      policy: optional(fields, 'policy', text),
      maxCharge: optional(fields, 'maxCharge', cost),
      latestUs,
      decisionId: optional(fields, 'decisionId', text),
      error: optional(fields, 'error', text),
      decision: parseDecision(fields.decision),
      stated: parseStated(fields.stated),
      charges,
    }),
  };
  return parseReservation(operation, fields);
}

const wholeUs = (fields: Fields, name: string) => Math.floor(number(fields, name));

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
