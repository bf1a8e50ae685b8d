import { quoted } from '../core/errors.ts';
import {
  asObject,
  checkWellFormed,
  type Fields,
  given,
  number,
  optional,
  RecordError,
  text,
  whole,
} from './fields.ts';
import type { Header, PolicyRecord } from './operation.ts';

/** Reads the first line of a history. Throws RecordError. */
export function parseHeader(fields: Fields): Header {
  if (fields.format !== 'openclaw-history')
    throw new RecordError(`format must be "openclaw-history"; found ${quoted(fields.format)}`);
  if (fields.version !== 1)
    throw new RecordError(
      `version must be 1, the only one this program reads; found ${quoted(fields.version)}`,
    );
  const { policy, policies } = fields;
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
    regions: parseRegions(fields.regions),
    startedAt: optional(fields, 'startedAt', text) ?? '',
    initial: parseInitial(fields.initial),
    ...given({
      clocks: parseClocks(fields.clocks),
      refunds: parseRefunds(fields.refunds),
      clockSlackUs: optional(fields, 'clockSlackUs', (all, name) => whole(all, name, 2 ** 40)),
    }),
  };
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

function parseRefunds(value: unknown): Header['refunds'] {
  if (value === undefined || value === 'none') return value;
  throw new RecordError(`refunds must be "none", or left out; found ${quoted(value)}`);
}

function parsePolicies(value: unknown): Record<string, PolicyRecord> {
  const entries = Object.entries(asObject(value, 'policies'));
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
