import { OpenclawError } from '../../core/errors.ts';
import { Recorder } from '../recorder.ts';
import { runLoad } from '../run-load.ts';
import type { FromProcess, LoadTask, TimedRecord, ToProcess } from './messages.ts';

const SEND_EVERY_MS = 50;
const MOST_HELD = 1_000;

/** The side of a load process: sends one load after another, and reports all that it records. */
export class LoadServer {
  readonly #tell: (message: FromProcess) => void;
  #task: LoadTask | undefined;
  #stop = new AbortController();

  constructor(tell: (message: FromProcess) => void) {
    this.#tell = tell;
    tell({ type: 'ready' });
  }

  take(message: ToProcess): void {
    if (message.type === 'load') {
      this.#task = message.task;
      this.#stop = new AbortController();
      this.#tell({ type: 'loaded' });
    } else if (message.type === 'start') void this.#run(message.atUs);
    else this.#stop.abort();
  }

  async #run(startAtUs: number): Promise<void> {
    const { originUs, ...load } = this.#task as LoadTask;
    let held: TimedRecord[] = [];
    const report = () => {
      const json = JSON.stringify(held);
      held = [];
      this.#tell({ type: 'records', upToUs: Math.floor(recorder.nowUs()), json });
    };
    const hold = (record: TimedRecord) => {
      if (held.push(record) >= MOST_HELD) report();
    };
    const recorder = new Recorder(
      (operation) => hold([operation.completedUs ?? Math.ceil(recorder.nowUs()), operation]),
      (reading) => hold([Math.ceil(recorder.nowUs()), reading]),
      { originUs },
    );
    const timer = setInterval(report, SEND_EVERY_MS);
    try {
      const loadMs = await runLoad({ ...load, recorder, startAtUs, signal: this.#stop.signal });
      report();
      this.#tell({ type: 'done', loadMs, dropped: recorder.dropped });
    } catch (error) {
      if (!(error instanceof OpenclawError)) throw error; // a mistake of ours: it ends the process
      const { code, message, hint } = error;
      this.#tell({ type: 'refused', code, message, hint });
    } finally {
      clearInterval(timer);
    }
  }
}
