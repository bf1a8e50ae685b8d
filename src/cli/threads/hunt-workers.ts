import { Worker } from 'node:worker_threads';
import type { Ground } from '../../hunt/ground.ts';
import { failedOutcome, type Outcome } from '../../hunt/outcome.ts';
import { planOf, type Schedule } from '../../hunt/schedule.ts';

/** The input of a thread. */
export interface HuntThreadData {
  readonly ground: Ground;
}

/** A message to a thread: it simulates the schedule. */
export interface HuntTask {
  readonly schedule: Schedule;
}

/** The reply of a thread. */
export type HuntReply = Outcome;

interface Options {
  readonly ground: Ground;
  /** Threads. */
  readonly count: number;
  /** Milliseconds after which a thread counts as one that does not end. */
  readonly mostMs?: number;
  readonly program?: URL;
}

/** A schedule that waits for a thread, or is in one. */
interface Waiting {
  readonly schedule: Schedule;
  readonly resolve: (reply: HuntReply | 'stopped') => void;
  /** Threads that ended with it. */
  deaths: number;
}

const WORKER = new URL('./hunt-thread.js', import.meta.url);
/** A schedule takes a fraction of a second; a busy machine may take a hundred times as long. */
const MOST_MS = 120_000;
/** A thread that lacked memory ends through no fault of its schedule. */
const MOST_DEATHS = 2;

/**
 * Threads that simulate schedules, each one after the other. A thread that ends is replaced, and its schedule is simulated
 * once more; the second time it has failed.
 */
export class HuntWorkers {
  readonly #options: Required<Options>;
  readonly #queue: Waiting[] = [];
  readonly #busy = new Map<Worker, Waiting>();
  readonly #idle: Worker[] = [];
  #isClosed = false;

  constructor({ mostMs = MOST_MS, program = WORKER, ...options }: Options) {
    this.#options = { ...options, mostMs, program };
  }

  /** Simulates a schedule as soon as a thread is free. `stopped`: the threads were closed before it was done. */
  simulate(schedule: Schedule): Promise<HuntReply | 'stopped'> {
    return new Promise((resolve) => {
      if (this.#isClosed) return resolve('stopped');
      this.#queue.push({ schedule, resolve, deaths: 0 });
      this.#next();
    });
  }

  /** Ends all threads. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const workers = [...this.#busy.keys(), ...this.#idle];
    for (const { resolve } of [...this.#busy.values(), ...this.#queue]) resolve('stopped');
    this.#queue.length = 0;
    this.#busy.clear();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  #next(): void {
    while (this.#queue.length > 0 && this.#busy.size < this.#options.count) {
      const task = this.#queue.shift() as Waiting;
      this.#do(this.#idle.pop() ?? this.#start(), task);
    }
  }

  #do(worker: Worker, task: Waiting): void {
    this.#busy.set(worker, task);
    const { mostMs } = this.#options;
    const endless = setTimeout(() => this.#ended(worker, `no result after ${mostMs / 1_000} s`), mostMs);
    const over = () => {
      clearTimeout(endless);
      worker.off('message', answered).off('exit', over);
    };
    const answered = (reply: HuntReply) => {
      over();
      this.#busy.delete(worker);
      this.#idle.push(worker);
      task.resolve(reply);
      this.#next();
    };
    worker.on('message', answered);
    worker.once('exit', over);
    worker.postMessage({ schedule: task.schedule } satisfies HuntTask);
  }

  #start(): Worker {
    const { ground, program } = this.#options;
    const workerData: HuntThreadData = { ground };
    const worker = new Worker(program, { workerData });
    let why: string | undefined;
    worker.on('error', (error) => {
      why = error.message;
    });
    worker.once('exit', (code) => this.#ended(worker, why ?? `its thread ended with code ${code}`));
    return worker;
  }

  /** Also for a thread that does not end by itself. */
  #ended(worker: Worker, why: string): void {
    const task = this.#busy.get(worker);
    this.#busy.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    void worker.terminate();
    if (task === undefined) return;
    task.deaths++;
    if (task.deaths < MOST_DEATHS) this.#queue.unshift(task);
    else task.resolve(failedOutcome(planOf(this.#options.ground, task.schedule), new Error(why)));
    this.#next();
  }
}
