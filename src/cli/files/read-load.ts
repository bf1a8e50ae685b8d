import { basename } from 'node:path';
import { OpenclawError } from '../../core/errors.ts';
import { formatNamed, parsePolicies } from '../../core/policies.ts';
import { printable } from '../../core/printable.ts';
import { count } from '../../core/units.ts';
import {
  ArrivalReader,
  leftOutTexts,
  type RecordedRequest,
  type RecordedRequests,
} from '../../history/foreign/arrivals.ts';
import { TIMES } from '../../scenario/defaults.ts';
import type { LoadPlan, Plan } from '../../scenario/plan.ts';
import { formatDuration } from '../../scenario/units.ts';
import type { Environment } from '../process/environment.ts';
import { readHistory } from './read-history.ts';

/** A plan whose load is that of its log, if it has one, and the requests of the log. */
export interface LoadedPlan {
  readonly plan: Plan;
  readonly recorded?: readonly RecordedRequest[];
}

/**
 * Reads the log that a plan sends again, and says what of it is not sent. The plan gets the users, the costs and the length
 * of that load. Throws INVALID_SCENARIO, INVALID_HISTORY and INTERRUPTED.
 */
export async function readLoad(plan: Plan, environment: Environment): Promise<LoadedPlan> {
  const source = plan.load.log;
  if (source === undefined) return { plan };
  const read = await readLog(source, plan.topology.regions, environment);
  const { requests, keyless, unread } = read;
  const sent = requests.filter(({ atUs }) => atUs < 1_000 * plan.load.durationMs);
  const [name, lastUs] = [basename(source.file), sent.at(-1)?.atUs ?? 0];
  if (sent.length < requests.length && plan.load.durationMs === TIMES.duration.mostMs)
    throw invalidLoad(
      `${name} lasts longer than ${formatDuration(TIMES.duration.mostMs)}, the longest load`,
      'take its beginning: load: { from: ..., duration: 10m }',
    );
  for (const text of leftOutTexts(read)) environment.log(`${printable(name)}: ${text}\n`);
  const load = {
    ...plan.load,
    users: new Set(sent.map(({ user }) => user)).size,
    costs: [...new Set(sent.map(({ cost }) => cost))].sort((a, b) => a - b),
    durationMs: Math.min(plan.load.durationMs, Math.max(LEAST_MS, Math.floor(lastUs / 1_000) + 1)),
    log: { ...source, requests: sent.length, ...(keyless > 0 && { keyless }), ...(unread > 0 && { unread }) },
  };
  checkFaults(plan, load.durationMs, name);
  checkCosts(plan, sent, name);
  return { plan: { ...plan, load }, recorded: sent };
}

async function readLog(
  { file, ...fields }: NonNullable<LoadPlan['log']>,
  regions: readonly string[],
  { interrupt, log, stdin }: Environment,
): Promise<RecordedRequests> {
  const reading = readHistory([file], new ArrivalReader(fields, regions), {
    stdin: () => stdin,
    signal: interrupt,
    onProgress: ({ operations }) => log(`${printable(file)}: ${count(operations, 'request')}\n`),
  });
  return reading.catch((error: unknown) => {
    const isOfFile = error instanceof OpenclawError && error.code === 'INVALID_HISTORY' && !error.hint;
    throw isOfFile ? invalidLoad(error.message, 'its path is relative to the file of the scenario') : error;
  });
}

const LEAST_MS = 100;

function checkFaults({ faults }: Plan, durationMs: number, name: string): void {
  const late = faults.find(({ atMs, forMs }) => atMs + forMs > durationMs);
  if (late === undefined) return;
  throw invalidLoad(
    `${late.fault} must be healed by the end of ${name}, at ${durationMs / 1_000} s; found ${(late.atMs + late.forMs) / 1_000} s`,
    'let it begin earlier, or take a longer log',
  );
}

function checkCosts({ policy }: Plan, sent: readonly RecordedRequest[], name: string): void {
  const policies = parsePolicies(policy);
  for (const { cost, user, atUs } of sent) {
    const small = policies.find((named) => cost > named.policy.capacityTokens);
    if (small === undefined) continue;
    throw invalidLoad(
      `a request of ${printable(user)} in ${name}, ${atUs / 1_000_000} s after its first, costs ${cost} tokens, more than the capacity of ${formatNamed(small)}`,
      'raise the capacity, or leave out cost',
    );
  }
}

function invalidLoad(message: string, hint: string): OpenclawError {
  return new OpenclawError('INVALID_SCENARIO', message, { hint });
}
