import { given } from '../../core/given.ts';
import { quoted } from '../../core/printable.ts';
import { asObject, cost, type Fields, number, optional, RecordError } from './fields.ts';
import type { Operation, RecordedExtension, RecordedSettlement } from './operation.ts';
import { parseCharges, parseDecision, parseInterval } from './parse-parts.ts';
import { heldTokens, tokensOf } from './reservation.ts';

/** The operation with its later steps, if it is a reservation. Throws RecordError. */
export function parseReservation(operation: Operation, fields: Fields): Operation {
  const { settled = null, extended = null } = fields;
  const expiresUs = optional(fields, 'expiresUs', number);
  if (settled === null && extended === null && expiresUs === undefined) return operation;
  const charges = operation.charges ?? [operation];
  if (charges.some((charge) => charge.cost < 1))
    throw new RecordError(
      'a reservation costs at least 1 token: settled, extended and expiresUs are of a take',
    );
  checkBuckets(operation);
  if (operation.outcome === 'denied' || operation.outcome === 'failed') {
    if (settled === null && extended === null) return operation; // nothing is held, so nothing expires
    throw new RecordError(`nothing is reserved by an operation that was ${operation.outcome}`);
  }
  const reservation = {
    ...operation,
    ...given({
      settled: settled === null ? undefined : parseSettlement(settled),
      extended: extended === null ? undefined : parseExtensions(extended),
      expiresUs: expiresUs === undefined ? undefined : Math.floor(expiresUs),
    }),
  };
  checkTimes(reservation);
  for (const charge of charges) checkSettled(reservation, charge);
  return reservation;
}

function parseExtensions(value: unknown): RecordedExtension[] {
  if (Array.isArray(value)) return value.map((item) => parseStep(item, 'an extension', 1));
  throw new RecordError(`extended must be a list of extensions; found ${quoted(value)}`);
}

function parseSettlement(value: unknown): RecordedSettlement {
  const step = parseStep(value, 'settled', 0);
  const { outcome } = step;
  if (outcome !== 'denied') return { ...step, outcome };
  throw new RecordError('settled.outcome must be one of allowed, failed, info; found "denied"');
}

function parseStep(value: unknown, name: string, least: number): RecordedExtension {
  const fields = asObject(value, name);
  const { latestUs, ...interval } = parseInterval(fields);
  const charges = parseCharges(fields.charges);
  const step = {
    cost: charges === undefined ? cost(fields, 'cost') : 0,
    ...interval,
    ...given({ latestUs, charges, decision: parseDecision(fields.decision) }),
  };
  if (step.decision?.source === 'fallback')
    throw new RecordError(
      `${name} must be decided by the limiter that holds the reservation; found a decision of source "fallback"`,
    );
  if ((charges ?? [step]).every((charge) => charge.cost >= least)) return step;
  throw new RecordError(`${name} must cost at least ${least} tokens; found ${quoted(value)}`);
}

/** A step says by bucket what it costs, so a reservation names each of them once. */
function checkBuckets({ charges = [] }: Operation): void {
  const buckets = charges.map(({ bucket, policy }) => JSON.stringify([bucket, policy]));
  if (new Set(buckets).size < buckets.length)
    throw new RecordError('a reservation must name each of its buckets once in charges');
}

function checkTimes({ invokedUs, settled, extended = [] }: Operation): void {
  for (const step of [...extended, ...(settled === undefined ? [] : [settled])])
    if (step.invokedUs < invokedUs)
      throw new RecordError(
        `a reservation is extended and settled after it began (${invokedUs}); found invokedUs ${step.invokedUs}`,
      );
}

function checkSettled(reservation: Operation, charge: Pick<Operation, 'bucket' | 'cost' | 'policy'>): void {
  const { settled } = reservation;
  if (settled === undefined || settled.outcome === 'failed') return;
  const { certain, possible } = heldTokens(reservation, charge);
  const actual = tokensOf(settled, charge);
  if (actual <= certain + possible) return;
  throw new RecordError(
    `settled.cost must be from 0 to the ${certain + possible} tokens that are held; found ${actual}`,
  );
}
