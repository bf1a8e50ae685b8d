import { setTimeout as sleep } from 'node:timers/promises';
import { judgeHistory } from '../../../src/checker/judge-history.ts';
import { type Charge, OpenclawError } from '../../../src/core/errors.ts';
import type { Policy } from '../../../src/core/policy.ts';
import { HistoryReader } from '../../../src/history/reader.ts';
import { encodeRecord } from '../../../src/history/records/codec.ts';
import type { HistoryRecord, Operation, Outcome } from '../../../src/history/records/operation.ts';

/** A call of a limiter, and its answer. */
export interface Call<T> {
  readonly invokedUs: number;
  /** Null if no answer came, and it may still take effect. */
  readonly completedUs: number | null;
  readonly result: T | undefined;
  readonly charge: Charge;
  readonly code?: string;
  readonly message?: string;
}

/** Makes a call and notes its times. An error that is not of the catalogue is thrown. */
async function timed<T>(call: () => Promise<T>): Promise<Call<T>> {
  const invokedUs = Math.floor(nowUs());
  try {
    const result = await call();
    return { invokedUs, completedUs: Math.ceil(nowUs()), result, charge: 'none' };
  } catch (error) {
    if (!(error instanceof OpenclawError)) throw error;
    const { charge, code, message } = error;
    return {
      invokedUs,
      completedUs: charge === 'possible' ? null : Math.ceil(nowUs()),
      result: undefined,
      charge,
      code,
      message,
    };
  }
}

/** Errors of a server that is away, or is no primary; nothing was charged. */
const AWAY = new Set([
  'REDIS_UNREACHABLE',
  'REDIS_READ_ONLY',
  'REPLICAS_MISSING',
  'REDIS_REFUSED',
  'REDIS_CLUSTER_DOWN',
]);
const MOST_AWAY_MS = 30_000;

/** Repeats a call while there is no primary to decide it. */
export async function patiently<T>(call: () => Promise<T>): Promise<Call<T>> {
  for (const startedUs = nowUs(); ; await sleep(20)) {
    const answered = await timed(call);
    if (!AWAY.has(answered.code ?? '') || nowUs() - startedUs > MOST_AWAY_MS * 1_000) return answered;
  }
}

function nowUs(): number {
  return performance.now() * 1_000;
}

type Row = Pick<Operation, 'invokedUs' | 'completedUs' | 'outcome' | 'decision' | 'decisionId'>;

/** Writes down what the checker judges: takes, and refunds as takes of a negative cost. */
export class Recorder {
  readonly #policies: Readonly<Record<string, Policy>>;
  readonly #records: HistoryRecord[] = [];
  /** What clients saw that cannot be, as sentences. */
  readonly problems: string[] = [];
  #sent = 0;

  constructor(policies: Readonly<Record<string, Policy>>) {
    this.#policies = policies;
  }

  /** `tokens` of each policy; negative for a refund. Nothing is recorded if none is of any policy. */
  add(user: string, tokens: readonly number[], row: Row): void {
    const charges = Object.keys(this.#policies)
      .map((policy, i) => ({ policy, bucket: `${user}:${policy}`, cost: tokens[i] ?? 0 }))
      .filter(({ cost }) => cost !== 0);
    if (charges.length === 0) return;
    const index = this.#sent++;
    this.#records.push({
      type: 'op',
      index,
      bucket: '',
      user,
      region: '',
      process: 0,
      cost: 1,
      ...row,
      charges,
    });
  }

  addCall(
    user: string,
    tokens: readonly number[],
    call: Call<{ readonly allowed: boolean }>,
    decisionId?: string,
  ): void {
    const { invokedUs, completedUs } = call;
    const outcome = outcomeOf(call);
    this.add(user, tokens, { invokedUs, completedUs, outcome, ...(decisionId && { decisionId }) });
  }

  judge(): ReturnType<typeof judgeHistory> {
    const policies = Object.entries(this.#policies).map(([name, { capacityTokens, refill }]) => [
      name,
      { capacity: capacityTokens, refill },
    ]);
    const header = {
      ...{ type: 'header', format: 'openclaw-history', version: 1, strategy: 'acked', scenario: '', seed: 1 },
      ...{
        regions: [],
        startedAt: '',
        initial: 'full',
        clocks: 'one',
        policies: Object.fromEntries(policies),
      },
    } as const;
    const reader = new HistoryReader();
    reader.startFile('reservations');
    const end = { type: 'end', atUs: Math.ceil(nowUs()), sent: this.#sent } as const;
    const text = [header, ...this.#records, end].map((record) => encodeRecord(record as HistoryRecord));
    reader.push(new TextEncoder().encode(text.join('')));
    reader.endFile();
    return judgeHistory(reader.finish(), { contested: 0, info: 1 });
  }
}

function outcomeOf({ result, charge }: Call<{ readonly allowed: boolean }>): Outcome {
  if (result !== undefined) return result.allowed ? 'allowed' : 'denied';
  return charge === 'possible' ? 'info' : 'failed';
}
