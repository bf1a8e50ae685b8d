import { watchPauses } from '../../experiment/watch/pause-watch.ts';
import { LoadServer } from '../../load/processes/load-server.ts';
import type { FromProcess, ToProcess } from '../../load/processes/messages.ts';

/** A process that sends load for the program that started it, and ends with it. That one takes the signals. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
process.once('disconnect', () => process.exit(0));
const tell = (message: FromProcess) => void process.send?.(message);
const server = new LoadServer(tell);
process.on('message', (message) => server.take(message as ToProcess));
watchPauses((ms) => tell({ type: 'paused', ms }));
void import('../../load/autocannon.ts'); // before the load, which imports it when it begins
