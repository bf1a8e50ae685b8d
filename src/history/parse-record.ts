import type { Evidence } from '../core/decision.ts';
import { quoted } from '../core/errors.ts';
import type { PolicyRecord } from './operation.ts';
import {
  type Charge,
  type ClockReading,
  type End,
  type Event,
  type FaultRecord,
  type Header,
  type HistoryRecord,
  type Operation,
  OUTCOMES,
} from './operation.ts';

/** Why a line is no record: the reader adds file and line. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads what JSON.parse made of one line. Fields it does not know are ignored. Throws RecordError. */
export function parseRecord(value: unknown): HistoryRecord {
  const fields = asObject(value, 'a record');
  switch (fields.type) {
    case 'op':
      return parseOperation(fields);
    case 'header':
      return parseHeader(fields);
    case 'clock':
      return parseClock(fields);
    case 'event':
      return parseEvent(fields);
    case 'fault':
      return parseFault(fields);
    case 'end':
      return parseEnd(fields);
    default:
      throw new RecordError(
        `type must be one of header, op, event, fault, clock, end; found ${quoted(fields.type)}`,
      );
  }
}

function parseOperation(fields: Fields): Operation {
  const { outcome } = fields;
  const known = OUTCOMES.find((name) => name === outcome);
  if (known === undefined)
    throw new RecordError(`outcome must be one of ${OUTCOMES.join(', ')}; found ${quoted(outcome)}`);
  const invokedUs = Math.floor(number(fields, 'invokedUs'));
  const completedUs = parseCompletion(fields, known, invokedUs);
  const latestUs = optional(fields, 'latestUs', number);
  if (latestUs !== undefined && latestUs < invokedUs)
    throw new RecordError(`latestUs must not be before invokedUs (${invokedUs}); found ${latestUs}`);
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
      policy: optional(fields, 'policy', text),
      maxCharge: optional(fields, 'maxCharge', cost),
      latestUs: latestUs === undefined ? undefined : Math.ceil(latestUs),
      decisionId: optional(fields, 'decisionId', text),
      error: optional(fields, 'error', text),
      decision: parseDecision(fields.decision),
      charges,
    }),
  };
}

function parseCompletion(fields: Fields, outcome: string, invokedUs: number): number | null {
  if (outcome === 'info') return null; // whatever came, it did not settle the charge
  if (outcome === 'failed' && (fields.completedUs ?? null) === null) return invokedUs;
  const completedUs = Math.ceil(number(fields, 'completedUs'));
  if (completedUs >= invokedUs) return completedUs;
  throw new RecordError(
    `completed before it was invoked: completedUs ${completedUs}, invokedUs ${invokedUs}`,
  );
}

function parseBucket(fields: Fields): string {
  if (typeof fields.bucket === 'string' && fields.bucket !== '') return fields.bucket;
  throw new RecordError(`an operation needs a bucket; found ${quoted(fields.bucket)}`);
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

const SOURCES = ['redis', 'lease', 'fallback'] as const;

function parseDecision(value: unknown): Evidence | undefined {
  if (value === undefined || value === null) return undefined;
  const fields = asObject(value, 'decision');
  const level = fields.level;
  if (level !== undefined && !(typeof level === 'string' && /^-?\d{1,16}$/.test(level)))
    throw new RecordError(`decision.level must be a decimal string of quanta; found ${quoted(level)}`);
  return {
    strategy: optional(fields, 'strategy', text) ?? '',
    node: optional(fields, 'node', text) ?? '',
    source: SOURCES.find((source) => source === fields.source) ?? 'fallback',
    ...given({
      atUs: optional(fields, 'atUs', number),
      bucketUs: optional(fields, 'bucketUs', number),
      levelQuanta: level === undefined ? undefined : Number(level),
    }),
  };
}

function parseHeader(fields: Fields): Header {
  if (fields.format !== 'openclaw-history')
    throw new RecordError(`format must be "openclaw-history"; found ${quoted(fields.format)}`);
  if (fields.version !== 1)
    throw new RecordError(
      `version must be 1, the only one this program reads; found ${quoted(fields.version)}`,
    );
  const { policy, policies, regions } = fields;
  if (policy === undefined && policies === undefined)
    throw new RecordError(
      'the header names no policy: it needs policy {capacity, refill}, or policies by name',
    );
  return {
    type: 'header',
    format: 'openclaw-history',
    version: 1,
    ...given({
      policy: policy === undefined ? undefined : parsePolicyRecord(policy, 'policy'),
      policies: policies === undefined ? undefined : parsePolicies(policies),
    }),
    strategy: optional(fields, 'strategy', text) ?? '',
    scenario: optional(fields, 'scenario', text) ?? '',
    seed: optional(fields, 'seed', number) ?? 0,
    regions: Array.isArray(regions) ? regions.map(String) : [],
    startedAt: optional(fields, 'startedAt', text) ?? '',
    initial: parseInitial(fields.initial),
  };
}

function parseInitial(value: unknown): Header['initial'] {
  if (value === undefined) return 'unknown';
  if (value === 'full' || value === 'unknown') return value;
  throw new RecordError(`initial must be "full" or "unknown"; found ${quoted(value)}`);
}

function parsePolicies(value: unknown): Record<string, PolicyRecord> {
  const entries = Object.entries(asObject(value, 'policies'));
  return Object.fromEntries(
    entries.map(([name, policy]) => [name, parsePolicyRecord(policy, `policies.${name}`)]),
  );
}

function parsePolicyRecord(value: unknown, name: string): PolicyRecord {
  const fields = asObject(value, name);
  const refill = asObject(fields.refill, `${name}.refill`);
  return {
    capacity: number(fields, 'capacity'),
    refill: { tokens: number(refill, 'tokens'), perUs: number(refill, 'perUs') },
  };
}

function parseClock(fields: Fields): ClockReading {
  return {
    type: 'clock',
    node: text(fields, 'node'),
    atUs: number(fields, 'atUs'),
    serverUs: number(fields, 'serverUs'),
    errorUs: number(fields, 'errorUs'),
  };
}

function parseEvent(fields: Fields): Event {
  return {
    type: 'event',
    event: text(fields, 'event'),
    atUs: number(fields, 'atUs'),
    ...given({
      node: optional(fields, 'node', text),
      args: fields.args === undefined ? undefined : asObject(fields.args, 'args'),
    }),
  };
}

const FAULT_PHASES = ['inject', 'heal', 'settled'] as const;

function parseFault(fields: Fields): FaultRecord {
  const phase = FAULT_PHASES.find((name) => name === fields.phase);
  if (phase === undefined)
    throw new RecordError(`phase must be one of ${FAULT_PHASES.join(', ')}; found ${quoted(fields.phase)}`);
  return {
    type: 'fault',
    fault: text(fields, 'fault'),
    phase,
    atUs: number(fields, 'atUs'),
    ...given({ args: fields.args === undefined ? undefined : asObject(fields.args, 'args') }),
  };
}

function parseEnd(fields: Fields): End {
  return { type: 'end', atUs: number(fields, 'atUs'), sent: whole(fields, 'sent', Number.MAX_SAFE_INTEGER) };
}

function asObject(value: unknown, name: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new RecordError(`${name} must be an object; found ${quoted(value)}`);
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === 'string') return value;
  throw new RecordError(`${name} must be a text; found ${quoted(value)}`);
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  throw new RecordError(`${name} must be a number within 2^53; found ${quoted(value)}`);
}

function whole(fields: Fields, name: string, most: number): number {
  const value = number(fields, name);
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new RecordError(`${name} must be a whole number from 0 to ${most}; found ${value}`);
}

function cost(fields: Fields, name: string): number {
  const value = number(fields, name);
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value;
  throw new RecordError(`${name} must be a whole number of tokens below 2^31; found ${value}`);
}

function optional<T>(fields: Fields, name: string, read: (fields: Fields, name: string) => T): T | undefined {
  return fields[name] === undefined || fields[name] === null ? undefined : read(fields, name);
}

/** The fields that have a value. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
