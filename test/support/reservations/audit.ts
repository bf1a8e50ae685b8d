import type { Policy } from '../../../src/core/policy.ts';
import type { ScriptRun } from './monitor.ts';
import {
  type BucketValue,
  type Entry,
  type RecordValue,
  readBucketValue,
  readRecordValue,
} from './stored.ts';

/** What one reservation was charged and given back, in tokens of the first policy and all others. */
export interface Account {
  readonly charged: readonly number[];
  readonly settledBack: readonly number[];
  readonly expiredBack: readonly number[];
}

/**
 * An exact model of the buckets and reservations of one server. It sees every script that the server runs with what it
 * wrote, and computes the value that it should have written: to the last quantum, at the time that is in the value.
 */
export class Audit {
  readonly #policies: readonly Policy[];
  readonly #buckets = new Map<string, BucketValue>();
  readonly #records = new Map<string, RecordValue>();
  readonly #accounts = new Map<number, Account>();
  readonly violations: string[] = [];
  readonly seen = { takes: 0, reserves: 0, extensions: 0, settlements: 0, expiries: 0, repeats: 0 };

  constructor(policies: readonly Policy[]) {
    this.#policies = policies;
  }

  /** Begins with all that a server has, for example after its promotion. */
  load(values: ReadonlyMap<string, string>): void {
    this.#buckets.clear();
    this.#records.clear();
    this.#accounts.clear();
    for (const [key, value] of values)
      if (key.startsWith('{')) this.#records.set(key, readRecordValue(value));
      else this.#buckets.set(key, readBucketValue(value));
    for (const { number, held, settled, isSettled } of this.#records.values())
      this.#accounts.set(number, {
        charged: held,
        settledBack: held.map((tokens, i) => (isSettled ? tokens - (settled[i] ?? 0) : 0)),
        expiredBack: held.map(() => 0),
      });
  }

  onRun({ script, keys, args, writes }: ScriptRun): void {
    const [bucketKey = '', recordKey = ''] = keys;
    const bucketText = writes.find(([key]) => key === bucketKey)?.[1];
    const recordText = writes.find(([key]) => key === recordKey)?.[1];
    const context = `${script} ${recordKey || bucketKey}`;
    const bucket = bucketText === undefined ? undefined : readBucketValue(bucketText);
    const numbers = args.map(Number);
    if (script === 'take' && bucket) this.#take(context, bucketKey, bucket, [numbers[3] ?? 0]);
    if (script === 'take-all' && bucket) this.#take(context, bucketKey, bucket, every4th(numbers, 4));
    if (recordText !== undefined) {
      const record = readRecordValue(recordText);
      if (script === 'reserve') this.#reserve(context, keys, { bucket, record, numbers });
      if (script === 'extend') this.#extend(context, keys, { bucket, record, numbers });
      if (script === 'settle') this.#settle(context, keys, { bucket, record, numbers });
      this.#records.set(recordKey, record);
    } else if (script !== 'take' && script !== 'take-all' && bucket) {
      this.#fail(context, 'wrote a bucket without the record');
    }
    if (bucket) this.#buckets.set(bucketKey, bucket);
  }

  /** Of each reservation: given back once, and never more than it was charged. */
  finish(): readonly string[] {
    for (const [number, { charged, settledBack, expiredBack }] of this.#accounts)
      for (const [i, tokens] of charged.entries()) {
        const [settled = 0, expired = 0] = [settledBack[i], expiredBack[i]];
        if (settled < 0 || settled + expired > tokens || (settled > 0 && expired > 0))
          this.#fail(
            `reservation ${number}`,
            `charged ${tokens}, settled back ${settled}, expired back ${expired}`,
          );
      }
    return this.violations;
  }

  #take(context: string, key: string, bucket: BucketValue, costQuanta: readonly number[]): void {
    this.seen.takes++;
    this.#compare(context, this.#charged(key, bucket.atUs, costQuanta, context), bucket);
  }

  #reserve(
    context: string,
    [key = '', recordKey = '']: readonly string[],
    { bucket, record, numbers }: Written,
  ): void {
    const known = this.#records.get(recordKey);
    if (bucket === undefined) {
      this.#repeat(context, known, record);
      return;
    }
    this.seen.reserves++;
    const cost = every4th(numbers, 6);
    const at = this.#charged(key, bucket.atUs, this.#quantaOf(cost), context);
    if (known !== undefined && (known.isSettled || known.expiresAtUs === 0 || holdsIn(at.entries, known)))
      this.#fail(context, 'charged a reservation that was there');
    const [number = 0, expiryUs = 0] = numbers;
    const expiresAtUs = expiryUs === 0 ? 0 : bucket.atUs + expiryUs;
    if (expiryUs > 0) at.entries.push({ number, expiresAtUs, held: cost });
    const none = cost.map(() => 0);
    const want = {
      number,
      expiresAtUs,
      expiryUs,
      extensions: 0,
      mark: 0,
      isSettled: false,
      held: cost,
      settled: none,
    };
    this.#same(context, want, record);
    this.#accounts.set(number, { charged: cost, settledBack: none, expiredBack: none });
    this.#compare(context, at, bucket);
  }

  #extend(
    context: string,
    [key = '', recordKey = '']: readonly string[],
    { bucket, record, numbers }: Written,
  ): void {
    const known = this.#records.get(recordKey);
    if (bucket === undefined) {
      this.#repeat(context, known, record);
      return;
    }
    this.seen.extensions++;
    if (known === undefined) {
      this.#fail(context, 'extended a reservation that is not there');
      return;
    }
    const cost = every4th(numbers, 6);
    const at = this.#charged(key, bucket.atUs, this.#quantaOf(cost), context);
    const [, extensions = 0, mark = 0] = numbers;
    if (known.isSettled || extensions <= known.extensions || numbers[0] !== known.number)
      this.#fail(
        context,
        `charged extension ${extensions} of ${known.extensions}, settled ${known.isSettled}`,
      );
    const held = known.held.map((tokens, i) => tokens + (cost[i] ?? 0));
    const place = at.entries.findIndex(({ number }) => number === known.number);
    if (known.expiresAtUs > 0 && place < 0) this.#fail(context, 'extended an expired reservation');
    const expiresAtUs =
      known.expiresAtUs === 0 ? 0 : Math.max(known.expiresAtUs, bucket.atUs + known.expiryUs);
    if (place >= 0) at.entries[place] = { number: known.number, expiresAtUs, held };
    this.#same(context, { ...known, extensions, mark, held, expiresAtUs }, record);
    const account = this.#accountOf(known.number);
    this.#accounts.set(known.number, { ...account, charged: plus(account.charged, cost) });
    this.#compare(context, at, bucket);
  }

  #settle(
    context: string,
    [key = '', recordKey = '']: readonly string[],
    { bucket, record, numbers }: Written,
  ): void {
    const known = this.#records.get(recordKey);
    if (known?.isSettled && bucket === undefined) {
      this.#repeat(context, known, record);
      return;
    }
    this.seen.settlements++;
    if (known === undefined || known.isSettled || known.number !== numbers[0])
      this.#fail(context, `settled a reservation that is ${known === undefined ? 'not there' : 'settled'}`);
    const held = known?.held ?? [];
    const used = every4th(numbers, 5).map((tokens, i) => (tokens < 0 ? (held[i] ?? 0) : tokens));
    const back = held.map((tokens, i) => tokens - (used[i] ?? 0));
    if (back.some((tokens) => tokens < 0)) this.#fail(context, `settled at ${used} of ${held}`);
    this.#same(context, { ...(known ?? record), isSettled: true, settled: used }, record);
    const account = this.#accountOf(record.number);
    this.#accounts.set(record.number, { ...account, settledBack: plus(account.settledBack, back) });
    if (bucket === undefined) {
      if (this.#buckets.has(key) && !this.#mayBeGone(key))
        this.#fail(context, 'marked the record, and gave nothing back');
      return;
    }
    const at = this.#at(key, bucket.atUs);
    const place = at.entries.findIndex(({ number }) => number === record.number);
    if (record.expiresAtUs > 0 && place < 0) this.#fail(context, 'settled an expired reservation');
    if (place >= 0) at.entries.splice(place, 1);
    at.levels = at.levels.map((level, i) => this.#raised(i, level, back[i] ?? 0));
    this.#compare(context, at, bucket);
  }

  #repeat(context: string, known: RecordValue | undefined, record: RecordValue): void {
    this.seen.repeats++;
    if (JSON.stringify(known) !== JSON.stringify(record)) this.#fail(context, 'a repeat changed the record');
  }

  /** The bucket at this time, with what expired until then. */
  #at(key: string, atUs: number): State {
    const stored = this.#buckets.get(key);
    const elapsedUs = Math.max(0, atUs - (stored?.atUs ?? atUs));
    const entries = (stored?.entries ?? []).filter(({ expiresAtUs }) => expiresAtUs > atUs);
    const expired = (stored?.entries ?? []).filter(({ expiresAtUs }) => expiresAtUs <= atUs);
    const levels = this.#policies.map((policy, i) => {
      const { capacityQuanta, quantaPerUs } = policy;
      const level = Math.min(capacityQuanta, (stored?.levels[i] ?? capacityQuanta) + elapsedUs * quantaPerUs);
      return expired.reduce((sum, { held }) => this.#raised(i, sum, held[i] ?? 0), level);
    });
    return { atUs, levels, entries };
  }

  #charged(key: string, atUs: number, costQuanta: readonly number[], context: string): State {
    const at = this.#at(key, atUs);
    at.levels = at.levels.map((level, i) => level - (costQuanta[i] ?? 0));
    if (at.levels.some((level) => level < 0)) this.#fail(context, `took more than there is: ${at.levels}`);
    return at;
  }

  /** The value that was written, and what it says to have expired. */
  #compare(
    context: string,
    want: { atUs: number; levels: readonly number[]; entries: readonly Entry[] },
    got: BucketValue,
  ): void {
    this.#same(context, want, got);
    for (const { number, expiresAtUs, held } of this.#expiredBy(context, got)) {
      this.seen.expiries++;
      if (expiresAtUs > got.atUs) this.#fail(context, `gave back reservation ${number} before it expired`);
      const account = this.#accountOf(number);
      this.#accounts.set(number, { ...account, expiredBack: plus(account.expiredBack, held) });
    }
  }

  #expiredBy(context: string, got: BucketValue): readonly Entry[] {
    const key = context.replace(/^\S+ /, '').replace(/^\{(.*)\}:reserve:.*$/, '$1');
    return (this.#buckets.get(key)?.entries ?? []).filter(({ expiresAtUs }) => expiresAtUs <= got.atUs);
  }

  /** Whether the key may have expired, since its bucket is full and holds nothing. */
  #mayBeGone(key: string): boolean {
    const stored = this.#buckets.get(key);
    return (
      stored === undefined || stored.entries.every(({ expiresAtUs }) => expiresAtUs < Date.now() * 1_000)
    );
  }

  #accountOf(number: number): Account {
    const none = this.#policies.map(() => 0);
    return this.#accounts.get(number) ?? { charged: none, settledBack: none, expiredBack: none };
  }

  #raised(i: number, level: number, tokens: number): number {
    const { capacityQuanta = 0, quantaPerToken = 0 } = this.#policies[i] ?? {};
    return Math.min(capacityQuanta, level + tokens * quantaPerToken);
  }

  #quantaOf(tokens: readonly number[]): readonly number[] {
    return tokens.map((own, i) => own * (this.#policies[i]?.quantaPerToken ?? 0));
  }

  #same(context: string, want: unknown, got: unknown): void {
    const [wanted, found] = [JSON.stringify(want), JSON.stringify(got)];
    if (wanted !== found) this.#fail(context, `wrote ${found}, should be ${wanted}`);
  }

  #fail(context: string, what: string): void {
    this.violations.push(`${context}: ${what}`);
  }
}

/** A bucket that is being computed. */
interface State {
  readonly atUs: number;
  levels: number[];
  readonly entries: Entry[];
}

interface Written {
  readonly bucket: BucketValue | undefined;
  readonly record: RecordValue;
  readonly numbers: readonly number[];
}

const every4th = (numbers: readonly number[], from: number) =>
  numbers.slice(from).filter((_, i) => i % 4 === 0);
const plus = (a: readonly number[], b: readonly number[]) => a.map((tokens, i) => tokens + (b[i] ?? 0));
const holdsIn = (entries: readonly Entry[], { number }: RecordValue) =>
  entries.some((entry) => entry.number === number);
