import { OpenclawError } from '../../core/errors.ts';
import { given } from '../../core/given.ts';
import { quoted } from '../../core/printable.ts';
import { formatPromise, parsePromise } from '../../core/promise.ts';
import {
  asObject,
  checkWellFormed,
  type Fields,
  isDeep,
  number,
  optional,
  RecordError,
  text,
  whole,
} from './fields.ts';
import type {
  ClockReading,
  End,
  FaultRecord,
  Header,
  HistoryRecord,
  PolicyRecord,
  Sample,
} from './operation.ts';
import { parseEvent } from './parse-event.ts';
import { parseOperation } from './parse-operation.ts';
import { parseDigest, parsePart } from './part.ts';

/** Reads one line after JSON.parse. Unknown fields are ignored. Throws RecordError. */
export function parseRecord(value: unknown): HistoryRecord {
  if (isDeep(value)) throw new RecordError('lists and objects are nested more than 32 levels deep');
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

function duration(fields: Fields, name: string): number {
  const us = number(fields, name);
  if (us >= 0) return us;
  throw new RecordError(`${name} must not be below 0; found ${us}`);
}

const CLOCK_SOURCES = ['date', 'machine'] as const;

function parseClock(fields: Fields): ClockReading {
  return {
    type: 'clock',
    node: text(fields, 'node'),
    atUs: number(fields, 'atUs'),
    serverUs: number(fields, 'serverUs'),
    errorUs: duration(fields, 'errorUs'),
    ...given({ source: CLOCK_SOURCES.find((known) => known === fields.source) }),
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
  return {
    type: 'end',
    atUs: number(fields, 'atUs'),
    sent: whole(fields, 'sent', Number.MAX_SAFE_INTEGER),
    ...given({
      sample: fields.sample === undefined ? undefined : parseSample(asObject(fields.sample, 'sample')),
      digest: optional(fields, 'digest', parseDigest),
    }),
  };
}

function parseSample(fields: Fields): Sample {
  const share = number(fields, 'share');
  if (!(share > 0 && share < 1))
    throw new RecordError(`sample.share must be above 0 and below 1; found ${share}`);
  return { share, others: whole(fields, 'others', Number.MAX_SAFE_INTEGER) };
}

/** Reads the first line of a history. Throws RecordError. */
function parseHeader(fields: Fields): Header {
  if (fields.format !== 'openclaw-history')
    throw new RecordError(`format must be "openclaw-history"; found ${quoted(fields.format)}`);
  if (fields.version !== 1)
    throw new RecordError(
      `version must be 1, the only one this program reads; found ${quoted(fields.version)}`,
    );
  const { policy, policies } = fields;
  if (policy === undefined && policies === undefined)
    throw new RecordError('the header has no policy; add policy {capacity, refill}, or policies by name');
  return {
    type: 'header',
    format: 'openclaw-history',
    version: 1,
    ...given({
      policy: policy === undefined ? undefined : parsePolicyRecord(policy, 'policy'),
      policies: policies === undefined ? undefined : parsePolicies(policies),
    }),
    strategy: optional(fields, 'strategy', text) ?? '',
    ...given({ promise: optional(fields, 'promise', parsePromised) }),
    scenario: optional(fields, 'scenario', text) ?? '',
    seed: optional(fields, 'seed', number) ?? 0,
    regions: parseRegions(fields.regions),
    startedAt: optional(fields, 'startedAt', text) ?? '',
    initial: parseInitial(fields.initial),
    ...given({
      clocks: parseClocks(fields.clocks),
      refunds: parseRefunds(fields.refunds),
      clockSlackUs: optional(fields, 'clockSlackUs', (all, name) => whole(all, name, 2 ** 40)),
      simulated: parseSimulated(fields.simulated),
      part: optional(fields, 'part', ({ part }) => parsePart(part)),
    }),
  };
}

function parsePromised(fields: Fields): string {
  const written = text(fields, 'promise');
  try {
    return formatPromise(parsePromise(written));
  } catch (error) {
    throw error instanceof OpenclawError ? new RecordError(error.message) : error;
  }
}

function parseRegions(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((region) => typeof region === 'string')) return value;
  throw new RecordError(`regions must be a list of texts; found ${quoted(value)}`);
}

function parseInitial(value: unknown): Header['initial'] {
  if (value === undefined) return 'unknown';
  if (value === 'full' || value === 'unknown') return value;
  throw new RecordError(`initial must be "full" or "unknown"; found ${quoted(value)}`);
}

function parseClocks(value: unknown): Header['clocks'] {
  if (value === undefined || value === 'one' || value === 'apart') return value;
  throw new RecordError(`clocks must be "one" or "apart"; found ${quoted(value)}`);
}

function parseSimulated(value: unknown): Header['simulated'] {
  if (value === undefined || value === true) return value;
  throw new RecordError(`simulated must be true or absent; found ${quoted(value)}`);
}

function parseRefunds(value: unknown): Header['refunds'] {
  if (value === undefined || value === 'none') return value;
  throw new RecordError(`refunds must be "none" or absent; found ${quoted(value)}`);
}

function parsePolicies(value: unknown): Record<string, PolicyRecord> {
  const entries = Object.entries(asObject(value, 'policies'));
  if (entries.some(([name]) => name === ''))
    throw new RecordError('a policy in policies must have a name; found ""');
  return Object.fromEntries(
    entries.map(([name, policy]) => [
      checkWellFormed(name, 'the name of a policy'),
      parsePolicyRecord(policy, `policies.${name}`),
    ]),
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
