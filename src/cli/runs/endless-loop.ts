import { Worker } from 'node:worker_threads';
import { pluginName } from '../../core/plugin-name.ts';
import { printable } from '../../core/printable.ts';

/** Processor time without a pause after which the code of a plug-in counts as an endless loop. */
const MOST_MS = 20_000;
const BEAT_MS = 100;
const RELEASED = -1;

/** The system drops a signal without a handler to the first process of a container, if it comes from inside. */
const FIRST =
  'it handles no signal and is process 1 of its container: end the container, and start it with --init';

/**
 * Runs beside the thread of the plug-in, which handles no signal while it loops. Processor time, since a busy machine can
 * stop a correct program for long. Only a signal without a handler ends a process from here.
 */
const WATCH = `
  const { workerData: { beats, mostMs, says } } = require('node:worker_threads');
  let last = ${RELEASED};
  let isSaid = false;
  let since = process.cpuUsage();
  setInterval(() => {
    const { user, system } = process.cpuUsage(since);
    if (Atomics.load(beats, 0) !== last) {
      last = Atomics.load(beats, 0);
      since = process.cpuUsage();
    } else if (last >= 0 && user + system > mostMs * 1000) {
      try {
        if (!isSaid) require('node:fs').writeSync(2, says);
        isSaid = true;
      } finally {
        process.kill(process.pid, 'SIGKILL');
      }
    }
  }, ${BEAT_MS});
`;

/**
 * Kills this process if its main thread computes for this many milliseconds of processor time without a pause, until the
 * returned function is called.
 */
export function endAtLoop(file: string, mostMs = MOST_MS): () => void {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const says =
    `error: ${printable(pluginName(file))} computed for ${mostMs / 1_000} s without a pause: an endless loop?\n` +
    `  ${process.pid === 1 ? FIRST : 'the process was killed, since it could handle no signal'}; see docs/plugins.md\n`;
  const worker = new Worker(WATCH, { eval: true, execArgv: [], workerData: { beats, mostMs, says } });
  worker.unref();
  worker.on('error', () => {}); // without memory for a thread the run goes on, not watched
  const timer = setInterval(() => Atomics.add(beats, 0, 1), BEAT_MS).unref();
  return () => {
    clearInterval(timer);
    Atomics.store(beats, 0, RELEASED); // it ends a little later
    void worker.terminate();
  };
}
