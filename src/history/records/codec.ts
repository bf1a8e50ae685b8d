import type { Evidence } from '../../core/decision.ts';
import { ByteWriter, bytesOf } from './byte-writer.ts';
import type { HistoryRecord, Operation, RecordedExtension, Stated } from './operation.ts';

/** Writes one record as one line of NDJSON, newline included. Levels are decimal strings of quanta. */
export function encodeRecord(record: HistoryRecord): string {
  if (record.type !== 'op') return `${JSON.stringify(record)}\n`;
  writeOperation(line, record);
  return line.takeText();
}

/** Writes what `encodeRecord` gives. */
export function writeRecord(writer: ByteWriter, record: HistoryRecord): void {
  if (record.type === 'op') writeOperation(writer, record);
  else writer.rawText(`${JSON.stringify(record)}\n`);
}

const line = new ByteWriter(1_024);

/** What is between the values of an operation. */
const BYTES = {
  index: bytesOf('{"type":"op","index":'),
  bucket: bytesOf(',"bucket":'),
  user: bytesOf(',"user":'),
  region: bytesOf(',"region":'),
  process: bytesOf(',"process":'),
  cost: bytesOf(',"cost":'),
  invokedUs: bytesOf(',"invokedUs":'),
  completedUs: bytesOf(',"completedUs":'),
  never: bytesOf(',"completedUs":null'),
  status: bytesOf(',"status":'),
  error: bytesOf(',"error":'),
  decision: bytesOf(',"decision":'),
  strategy: bytesOf('{"strategy":'),
  node: bytesOf(',"node":'),
  atUs: bytesOf(',"atUs":'),
  bucketUs: bytesOf(',"bucketUs":'),
  level: bytesOf(',"level":"'),
  levelEnd: bytesOf('"'),
  ageUs: bytesOf(',"ageUs":'),
  instance: bytesOf(',"instance":'),
  intendedUs: bytesOf(',"intendedUs":'),
  end: bytesOf('}'),
  lineEnd: bytesOf('}\n'),
};

const OUTCOME = {
  allowed: bytesOf(',"outcome":"allowed"'),
  denied: bytesOf(',"outcome":"denied"'),
  failed: bytesOf(',"outcome":"failed"'),
  info: bytesOf(',"outcome":"info"'),
};

const SOURCE = {
  redis: bytesOf(',"source":"redis"'),
  lease: bytesOf(',"source":"lease"'),
  local: bytesOf(',"source":"local"'),
  fallback: bytesOf(',"source":"fallback"'),
};

/** Nearly every record is an operation, thousands per second: JSON.stringify takes ten times as long. */
function writeOperation(to: ByteWriter, operation: Operation): void {
  const { completedUs, status, error, instance, decision, stated, intendedUs } = operation;
  number(to, BYTES.index, operation.index);
  text(to, BYTES.bucket, operation.bucket);
  text(to, BYTES.user, operation.user);
  text(to, BYTES.region, operation.region);
  number(to, BYTES.process, operation.process);
  number(to, BYTES.cost, operation.cost);
  number(to, BYTES.invokedUs, operation.invokedUs);
  if (completedUs === null) to.raw(BYTES.never);
  else number(to, BYTES.completedUs, completedUs);
  to.raw(OUTCOME[operation.outcome]);
  number(to, BYTES.status, status);
  if (error !== undefined) text(to, BYTES.error, error);
  if (decision !== undefined) {
    to.raw(BYTES.decision);
    writeDecision(to, decision);
  }
  if (instance !== undefined) text(to, BYTES.instance, instance);
  if (stated !== undefined) to.raw(statedBytes(stated));
  number(to, BYTES.intendedUs, intendedUs);
  writeRare(to, operation);
  to.raw(BYTES.lineEnd);
}

function writeDecision(to: ByteWriter, evidence: Evidence): void {
  const { levelQuanta, charge } = evidence;
  text(to, BYTES.strategy, evidence.strategy);
  text(to, BYTES.node, evidence.node);
  number(to, BYTES.atUs, evidence.atUs);
  number(to, BYTES.bucketUs, evidence.bucketUs);
  if (levelQuanta !== undefined) {
    number(to, BYTES.level, levelQuanta);
    to.raw(BYTES.levelEnd);
  }
  number(to, BYTES.ageUs, evidence.ageUs);
  to.raw(SOURCE[evidence.source]);
  if (charge !== undefined) to.rawText(`,"charge":"${charge}"`);
  to.raw(BYTES.end);
}

function writeRare(to: ByteWriter, operation: Operation): void {
  const { settled, extended } = operation;
  field(to, 'policy', operation.policy);
  field(to, 'maxCharge', operation.maxCharge);
  field(to, 'latestUs', operation.latestUs);
  field(to, 'decisionId', operation.decisionId);
  field(to, 'charges', operation.charges);
  if (settled !== undefined) {
    to.rawText(',"settled":');
    writeStep(to, settled);
  }
  if (extended !== undefined) {
    to.rawText(',"extended":[');
    for (const [at, step] of extended.entries()) {
      if (at > 0) to.rawText(',');
      writeStep(to, step);
    }
    to.rawText(']');
  }
  field(to, 'expiresUs', operation.expiresUs);
}

function writeStep(to: ByteWriter, { decision, ...step }: RecordedExtension): void {
  const fields = JSON.stringify(step);
  if (decision === undefined) {
    to.rawText(fields);
    return;
  }
  to.rawText(`${fields.slice(0, -1)},"decision":`);
  writeDecision(to, decision);
  to.raw(BYTES.end);
}

const statedKnown = new WeakMap<Stated, Uint8Array>();

/** Nearly every reply of a limiter states something, and a load shares the objects of equal ones. */
function statedBytes(stated: Stated): Uint8Array {
  const known = statedKnown.get(stated);
  if (known !== undefined) return known;
  const written = bytesOf(statedText(stated));
  statedKnown.set(stated, written);
  return written;
}

function statedText(stated: Stated): string {
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

function number(to: ByteWriter, name: Uint8Array, value: number | undefined): void {
  if (value === undefined) return;
  to.raw(name);
  to.number(value);
}

function text(to: ByteWriter, name: Uint8Array, value: string): void {
  to.raw(name);
  to.text(value);
}

function field(to: ByteWriter, name: string, value: unknown): void {
  if (value !== undefined) to.rawText(`,"${name}":${JSON.stringify(value)}`);
}
