import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environmentFailed, OpenclawError } from '../../core/errors.ts';
import type { Dropped } from '../recorder.ts';
import type { FromProcess, LoadTask, TimedRecord, ToProcess } from './messages.ts';
import { YOUNG_SPACE } from './young-space.ts';

type OnRecords = (upToUs: number, records: readonly TimedRecord[]) => void;

/** A message that the process is to send. */
interface Wanted {
  readonly type: FromProcess['type'];
  resolve(message: FromProcess): void;
  reject(error: Error): void;
}

export interface LoadProcessOptions {
  /** The program of the process, which serves a `LoadServer`. */
  readonly program: URL;
  /** For messages: like `load process 2 (eu-west)`. */
  readonly name: string;
  /** Kills it after so long without a message; it reports 20 times a second while it has a load. */
  readonly silentMs?: number;
  /** Milliseconds that it did not run. */
  readonly onPause: (ms: number) => void;
}

const SILENT_MS = 15_000;
const START_MS = 20_000;
const LOOK_MS = 500;
const CLOSE_MS = 2_000;
const MOST_ERROR_TEXT = 1_000;

/**
 * One process that sends load. It ends when this program ends in any way, since its channel closes then. If it ends by
 * itself, calls reject with ENVIRONMENT_FAILED.
 */
export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #options: LoadProcessOptions;
  readonly #watch: NodeJS.Timeout;
  readonly #exited: Promise<void>;
  #wanted: Wanted | undefined;
  #onRecords: OnRecords = () => {};
  #failure: OpenclawError | undefined;
  #silentMs = 0;
  #isEnding = false;
  #errorText = '';

  constructor(options: LoadProcessOptions) {
    this.#options = options;
    this.#child = fork(fileURLToPath(options.program), [], {
      execArgv: [YOUNG_SPACE],
      serialization: 'advanced', // subjects are a Map
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.on('data', (text) => {
      this.#errorText = `${this.#errorText}${text}`.slice(-MOST_ERROR_TEXT);
    });
    this.#child.on('message', (message) => this.#take(message as FromProcess));
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => this.#died(`could not be started: ${error.message}`, resolve));
      this.#child.once('exit', (code, signal) =>
        this.#died(`ended with ${signal ?? `code ${code}`}`, resolve),
      );
    });
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Resolves when the process can take a load. */
  async ready(): Promise<void> {
    await this.#want('ready');
  }

  /** Gives it a load; resolves when it has it. */
  async load(task: LoadTask): Promise<void> {
    const loaded = this.#want('loaded');
    this.#tell({ type: 'load', task });
    await loaded;
  }

  /** Starts the load at this time of its recorder; resolves once it has ended and all records were given. */
  async start(atUs: number, onRecords: OnRecords): Promise<{ loadMs: number; dropped: readonly Dropped[] }> {
    this.#onRecords = onRecords;
    const done = this.#want('done');
    this.#tell({ type: 'start', atUs });
    const { loadMs, dropped } = (await done) as Extract<FromProcess, { type: 'done' }>;
    return { loadMs, dropped };
  }

  /** The load stops as if interrupted. */
  stop(): void {
    this.#tell({ type: 'stop' });
  }

  async close(): Promise<void> {
    this.#end();
    if (this.#child.connected) this.#child.disconnect();
    const patience = setTimeout(() => this.kill(), CLOSE_MS);
    await this.#exited;
    clearTimeout(patience);
  }

  /** SIGKILL. */
  kill(): void {
    this.#end();
    this.#child.kill('SIGKILL');
  }

  #end(): void {
    this.#isEnding = true;
    clearInterval(this.#watch);
  }

  #tell(message: ToProcess): void {
    if (this.#child.connected) this.#child.send(message, () => {}); // an error ends it, which is reported
  }

  #want(type: FromProcess['type']): Promise<FromProcess> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#silentMs = 0;
      this.#wanted = { type, resolve, reject };
    });
  }

  #take(message: FromProcess): void {
    this.#silentMs = 0;
    if (message.type === 'records') this.#onRecords(message.upToUs, JSON.parse(message.json));
    else if (message.type === 'paused') this.#options.onPause(message.ms);
    else if (message.type === 'refused' || message.type === this.#wanted?.type) this.#answer(message);
  }

  #answer(message: FromProcess): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    if (message.type !== 'refused') wanted?.resolve(message);
    else wanted?.reject(new OpenclawError(message.code, message.message, { hint: message.hint }));
  }

  #look(): void {
    this.#silentMs = this.#wanted === undefined ? 0 : this.#silentMs + LOOK_MS;
    const { silentMs: patienceMs = SILENT_MS } = this.#options;
    const silentMs = this.#wanted?.type === 'ready' ? START_MS : patienceMs;
    if (this.#silentMs < silentMs) return;
    this.#errorText = `it was silent for ${silentMs / 1_000} s`;
    this.#child.kill('SIGKILL');
  }

  #died(how: string, resolve: () => void): void {
    clearInterval(this.#watch);
    resolve();
    if (this.#isEnding) return;
    this.#isEnding = true;
    const text = this.#errorText.trim();
    this.#failure = environmentFailed(
      `${this.#options.name} ${how}${text === '' ? '' : `: ${text}`}`,
      'run it again, or with --load-processes 1',
    );
    this.#wanted?.reject(this.#failure);
  }
}
