import { setTimeout as sleep } from 'node:timers/promises';
import type { ClockReading } from '../../history/records/operation.ts';
import { ClockEndpoint, type Ping } from './clock-endpoint.ts';

const EVERY_MS = 250;
/** One after another, of which the fastest is a reading: this process may be busy at one moment. */
const AT_ONCE = 4;
const ANSWER_MS = 2_000;
const FIRST_MS = 5_000;
/** Shorter than what is left of the start. */
const START_MS = 500;

/** Pings the clock endpoint of a run, four times a second, from the beginning of a part to its end. */
export class ClockPings {
  /** The first answer. */
  readonly first: Ping;
  readonly #endpoint: ClockEndpoint;
  readonly #ended = new AbortController();
  readonly #kept: ClockReading[] = [];
  readonly #pinging: Promise<void>;
  #best: Ping;
  #write: ((reading: ClockReading) => void) | undefined;
  #readings = 0;
  #missed = 0;
  #strange: string | undefined;

  private constructor(endpoint: ClockEndpoint, first: Ping) {
    this.#endpoint = endpoint;
    this.first = first;
    this.#best = first;
    this.#add(first);
    this.#pinging = this.#ping();
  }

  /** Throws ENVIRONMENT_FAILED if the endpoint does not answer within 5 s. */
  static async start(url: string, signal: AbortSignal): Promise<ClockPings> {
    const endpoint = new ClockEndpoint(url);
    try {
      return new ClockPings(endpoint, await endpoint.askFirst(FIRST_MS, signal));
    } catch (error) {
      endpoint.close();
      throw error;
    }
  }

  /** The time of this machine at which the endpoint's monotonic clock shows this. */
  localUs(endpointUs: number): number {
    const { us, sentUs, answeredUs } = this.#best;
    return endpointUs - us + (sentUs + answeredUs) / 2;
  }

  /** Why the part is not to be sent, if another process sends it. Without an answer, nothing. */
  async start(
    part: { readonly run: string; readonly name: string },
    by: { readonly sender: string; readonly token?: string },
  ): Promise<string | undefined> {
    return this.#endpoint.start(part, { ...by, timeoutMs: START_MS }).catch(() => undefined);
  }

  /** Passes on the readings so far, and those to come. */
  writeTo(write: (reading: ClockReading) => void): void {
    this.#write = write;
    for (const reading of this.#kept.splice(0)) write(reading);
  }

  /** For people: how often it answered, how often not, and half the shortest round trip. */
  facts(): {
    readonly machine: string;
    readonly readings: number;
    readonly missed: number;
    readonly errorUs: number;
  } {
    const { machine } = this.first;
    return { machine, readings: this.#readings, missed: this.#missed, errorUs: errorOf(this.#best) };
  }

  /** A sentence if another machine answered, too: its answers are no readings. */
  problems(): string[] {
    if (this.#strange === undefined) return [];
    return [
      `at ${this.#endpoint.url} the clock of another machine (${this.#strange}) answered later; its answers are not used`,
    ];
  }

  /** Once it resolves, no more readings are passed on. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#pinging;
    this.#endpoint.close();
  }

  async #ping(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const ping = await this.#fastest(signal).catch(() => undefined);
      if (ping === undefined) this.#missed += signal.aborted ? 0 : 1;
      else if (ping.machine === this.first.machine) this.#add(ping);
      else this.#strange = ping.machine;
    }
  }

  async #fastest(signal: AbortSignal): Promise<Ping> {
    let fastest = await this.#endpoint.ask(ANSWER_MS, signal);
    for (let asked = 1; asked < AT_ONCE; asked++) {
      const ping = await this.#endpoint.ask(ANSWER_MS, signal);
      if (errorOf(ping) < errorOf(fastest)) fastest = ping;
    }
    return fastest;
  }

  #add(ping: Ping): void {
    this.#readings++;
    if (errorOf(ping) <= errorOf(this.#best)) this.#best = ping;
    const reading = readingOf(ping);
    if (this.#write === undefined) this.#kept.push(reading);
    else this.#write(reading);
  }
}

function errorOf({ sentUs, answeredUs }: Ping): number {
  return (answeredUs - sentUs) / 2;
}

function readingOf(ping: Ping): ClockReading {
  const { machine, us, sentUs, answeredUs } = ping;
  return {
    type: 'clock',
    source: 'machine',
    node: machine,
    atUs: (sentUs + answeredUs) / 2,
    serverUs: us,
    errorUs: errorOf(ping),
  };
}
