import type { Evidence } from '../../core/decision.ts';
import type { HistoryRecord, Operation, RecordedExtension, Stated } from './operation.ts';

/** Writes one record as one line of NDJSON, newline included. Levels are decimal strings of quanta. */
export function encodeRecord(record: HistoryRecord): string {
  return record.type === 'op' ? encodeOperation(record) : `${JSON.stringify(record)}\n`;
}

/** Nearly every record is an operation, thousands per second: JSON.stringify takes three times as long. */
function encodeOperation(operation: Operation): string {
  const { index, bucket, user, region, process, cost, invokedUs, completedUs, outcome } = operation;
  const { status, error, decision } = operation;
  const statusField = status === undefined ? '' : `,"status":${status}`;
  const errorField = error === undefined ? '' : `,"error":${text(error)}`;
  const decisionField = decision === undefined ? '' : `,"decision":${encodeDecision(decision)}`;
  return (
    `{"type":"op","index":${index},"bucket":${text(bucket)},"user":${text(user)},"region":${text(region)},` +
    `"process":${process},"cost":${cost},"invokedUs":${invokedUs},"completedUs":${completedUs},` +
    `"outcome":"${outcome}"${statusField}${errorField}${decisionField}${encodeRare(operation)}}\n`
  );
}

function encodeDecision(evidence: Evidence): string {
  const { strategy, node, source, atUs, bucketUs, levelQuanta, ageUs, charge } = evidence;
  const at = atUs === undefined ? '' : `,"atUs":${atUs}`;
  const bucketAt = bucketUs === undefined ? '' : `,"bucketUs":${bucketUs}`;
  const level = levelQuanta === undefined ? '' : `,"level":"${levelQuanta}"`;
  const age = ageUs === undefined ? '' : `,"ageUs":${ageUs}`;
  const charged = charge === undefined ? '' : `,"charge":"${charge}"`;
  return `{"strategy":${text(strategy)},"node":${text(node)}${at}${bucketAt}${level}${age},"source":"${source}"${charged}}`;
}

function encodeRare(operation: Operation): string {
  const { instance, stated, intendedUs, policy, maxCharge, latestUs, decisionId, charges } = operation;
  const { settled, extended, expiresUs } = operation;
  return (
    (instance === undefined ? '' : `,"instance":${text(instance)}`) +
    (stated === undefined ? '' : encodeStated(stated)) +
    field('intendedUs', intendedUs) +
    field('policy', policy) +
    field('maxCharge', maxCharge) +
    field('latestUs', latestUs) +
    field('decisionId', decisionId) +
    field('charges', charges) +
    (settled === undefined ? '' : `,"settled":${encodeStep(settled)}`) +
    (extended === undefined ? '' : `,"extended":[${extended.map(encodeStep).join(',')}]`) +
    field('expiresUs', expiresUs)
  );
}

function encodeStep({ decision, ...step }: RecordedExtension): string {
  const fields = JSON.stringify(step);
  return decision === undefined ? fields : `${fields.slice(0, -1)},"decision":${encodeDecision(decision)}}`;
}

const statedTexts = new WeakMap<Stated, string>();

/** Nearly every reply of a limiter states something, and a load shares the objects of equal ones. */
function encodeStated(stated: Stated): string {
  const known = statedTexts.get(stated);
  if (known !== undefined) return known;
  const written = writeStated(stated);
  statedTexts.set(stated, written);
  return written;
}

function writeStated(stated: Stated): string {
  const { remaining, retryAfterS, retryAtS, reset, resetForm, limit, windowS } = stated;
  const fields =
    numeral('remaining', remaining) +
    numeral('retryAfterS', retryAfterS) +
    numeral('retryAtS', retryAtS) +
    numeral('reset', reset) +
    (resetForm === undefined ? '' : `,"resetForm":"${resetForm}"`) +
    numeral('limit', limit) +
    numeral('windowS', windowS);
  return `,"stated":{${fields.slice(1)}}`;
}

function numeral(name: string, value: number | undefined): string {
  return value === undefined ? '' : `,"${name}":${value}`;
}

function field(name: string, value: unknown): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;
}

/** Text without characters that JSON escapes is written unchanged. */
function text(value: string): string {
  return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value);
}

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
