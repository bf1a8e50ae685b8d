import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../src/core/prng.ts';
import type { Limiter, Reservation, Settlement, Subject } from '../../../src/limiter/limiter.ts';
import { type Call, patiently, type Recorder } from './recorder.ts';

export interface JobOptions {
  readonly random: Random;
  readonly subject: Subject;
  readonly id: string;
  /** Names of the policies, in their order. */
  readonly policies: readonly string[];
  /** A limiter of any process. */
  readonly anyLimiter: () => Limiter;
  readonly recorder: Recorder;
}

/** A call of `settle`, and what it was asked. */
type Settling = Call<Settlement> & { readonly actual: readonly number[] };

const MOST_TRIES = 8;

/**
 * One reservation as clients may treat it: its calls are repeated after lost replies, its process dies and another resumes
 * it by its id, several processes extend and settle it at once, or no process settles it.
 */
export class Job {
  readonly #options: JobOptions;
  readonly #expiresMs: number | undefined;
  readonly #cost: readonly number[];
  /** The handles of processes that live. */
  readonly #handles: Reservation[] = [];
  readonly #settlings: Settling[] = [];
  #mayHold = false;
  #reservedUs = 0;
  #most: number[];
  #extensions = 0;

  constructor(options: JobOptions) {
    this.#options = options;
    const { random } = options;
    this.#expiresMs = random() < 0.5 ? 30 + Math.floor(random() * 300) : undefined;
    this.#cost = options.policies.map(() => 1 + Math.floor(random() * 6));
    this.#most = options.policies.map(() => 0);
  }

  async run(): Promise<void> {
    await this.#reserve();
    const steps = Math.floor(this.#options.random() * 5);
    for (let step = 0; step < steps && this.#handles.length > 0; step++) await this.#step();
    if (this.#options.random() < 0.85) await this.#settleAll();
    if (this.#mayHold) this.#record();
  }

  async #step(): Promise<void> {
    const { random } = this.#options;
    const kind = random();
    if (kind < 0.2) await sleep(random() * 30);
    else if (kind < 0.4) await this.#resume();
    else if (kind < 0.5)
      this.#handles.splice(1); // all processes but one die
    else if (kind < 0.6) await Promise.all([...this.#handles].map((handle) => this.#extend(handle)));
    else await this.#extend(this.#anyHandle());
  }

  async #reserve(): Promise<void> {
    const { subject, id, anyLimiter, recorder } = this.#options;
    this.#most = [...this.#cost];
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const call = await patiently(() => anyLimiter().reserve(subject, this.#askedWith(this.#cost)));
      if (tries === 0) this.#reservedUs = call.invokedUs;
      recorder.addCall(subject.user, this.#cost, call, `${id}/reserve`);
      this.#mayHold ||= call.charge === 'possible' || call.result?.allowed === true;
      if (call.result?.allowed) this.#handles.push(call.result);
      if (call.result !== undefined) return;
      await sleep(5 + this.#options.random() * 40);
    }
  }

  /** Another process resumes it. One that has expired meanwhile is not: it would be another reservation. */
  async #resume(): Promise<void> {
    const { subject, id, anyLimiter, recorder } = this.#options;
    if (this.#expiresMs !== undefined) return;
    const call = await patiently(() => anyLimiter().reserve(subject, this.#askedWith(this.#cost)));
    if (call.result === undefined) return; // it is there, so nothing was charged
    if (!call.result.decision.isRemembered) recorder.problems.push(`${id} was charged again`);
    this.#handles.push(call.result);
  }

  #askedWith(cost: readonly number[]) {
    const { id } = this.#options;
    return {
      decisionId: id,
      cost: this.#byName(cost),
      ...(this.#expiresMs && { expiresMs: this.#expiresMs }),
    };
  }

  #byName(tokens: readonly number[]): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#options.policies.map((name, i) => [name, tokens[i] ?? 0]));
  }

  /** Extends it, and repeats the extension until its result is known, or its process dies. */
  async #extend(handle: Reservation): Promise<void> {
    const { random, subject, recorder, policies } = this.#options;
    const cost = policies.map((_, i) => (i === 0 ? 1 : 0) + Math.floor(random() * 3));
    const decisionId = `${this.#options.id}/extend ${this.#extensions++}`;
    this.#most = this.#most.map((tokens, i) => tokens + (cost[i] ?? 0));
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const call = await patiently(() => handle.extend(this.#byName(cost)));
      recorder.addCall(subject.user, cost, call, decisionId);
      if (call.result !== undefined || call.charge === 'none') return;
      await sleep(random() * 40);
    }
    this.#handles.splice(this.#handles.indexOf(handle), 1);
  }

  #anyHandle(): Reservation {
    return this.#handles[Math.floor(this.#options.random() * this.#handles.length)] as Reservation;
  }

  /** One process settles it, or several at once, at different costs and more than once. */
  async #settleAll(): Promise<void> {
    const { random } = this.#options;
    await Promise.all(
      this.#handles.map(async (handle) => {
        for (let tries = 0; tries < MOST_TRIES; tries++) {
          const done = await this.#settle(handle);
          if (done && random() < 0.7) return;
          await sleep(random() * 40);
        }
      }),
    );
  }

  async #settle(handle: Reservation): Promise<boolean> {
    const { random, policies } = this.#options;
    const actual = policies.map((name) => Math.floor(random() * ((handle.held[name] ?? 0) + 1)));
    const call = await patiently(() => handle.settle(this.#byName(actual)));
    this.#settlings.push({ ...call, actual });
    return call.result !== undefined || call.charge === 'none';
  }

  /** Records what was given back: for certain if a settlement was answered, otherwise perhaps. */
  #record(): void {
    const { recorder, subject, id, policies } = this.#options;
    const answered = this.#settlings.filter(({ result }) => result !== undefined);
    const possible = this.#settlings.filter(
      ({ result, charge }) => result !== undefined || charge === 'possible',
    );
    const invokedUs = Math.min(...possible.map((call) => call.invokedUs));
    const [first] = answered;
    if (first?.result !== undefined) {
      const { actual } = first.result;
      const others = answered.filter(
        ({ result }) => JSON.stringify(result?.actual) !== JSON.stringify(actual),
      );
      if (others.length > 0) recorder.problems.push(`${id} was settled more than once`);
      const known = this.#handles.find(({ settlement }) => settlement !== undefined) as Reservation;
      const back = policies.map((name) => (actual[name] ?? 0) - (known.held[name] ?? 0));
      const completedUs = Math.min(...answered.map((call) => call.completedUs ?? Number.POSITIVE_INFINITY));
      recorder.add(subject.user, back, { invokedUs, completedUs, outcome: 'allowed' });
      return;
    }
    if (possible.length > 0) {
      const least = policies.map((_, i) => Math.min(...possible.map(({ actual }) => actual[i] ?? 0)));
      const back = this.#most.map((tokens, i) => (least[i] ?? 0) - tokens);
      recorder.add(subject.user, back, { invokedUs, completedUs: null, outcome: 'info' });
    }
    if (this.#expiresMs === undefined) return;
    const expiresUs = this.#reservedUs + this.#expiresMs * 1_000;
    recorder.add(
      subject.user,
      this.#most.map((tokens) => -tokens),
      { invokedUs: expiresUs, completedUs: null, outcome: 'info' },
    );
  }
}
