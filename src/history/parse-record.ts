import { quoted } from '../core/errors.ts';
import {
  asObject,
  type Fields,
  given,
  isDeep,
  number,
  optional,
  RecordError,
  text,
  whole,
} from './fields.ts';
import type { ClockReading, End, Event, FaultRecord, HistoryRecord } from './operation.ts';
import { parseHeader } from './parse-header.ts';
import { parseOperation } from './parse-operation.ts';

/** Reads what JSON.parse made of one line. Fields it does not know are ignored. Throws RecordError. */
export function parseRecord(value: unknown): HistoryRecord {
  if (isDeep(value)) throw new RecordError('lists and objects lie more than 32 deep in each other');
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

function parseClock(fields: Fields): ClockReading {
  return {
    type: 'clock',
    node: text(fields, 'node'),
    atUs: number(fields, 'atUs'),
    serverUs: number(fields, 'serverUs'),
    errorUs: duration(fields, 'errorUs'),
    ...given({ source: fields.source === 'date' ? ('date' as const) : undefined }),
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
