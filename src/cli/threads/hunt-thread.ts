import { parentPort, workerData } from 'node:worker_threads';
import { evaluateHere } from '../../hunt/evaluate.ts';
import type { HuntReply, HuntTask, HuntThreadData } from './hunt-workers.ts';

/** Simulates the schedules that it is given, one after the other, until it is ended. */
const { ground } = workerData as HuntThreadData;
const evaluate = evaluateHere(ground);

parentPort?.on('message', async ({ schedule }: HuntTask) => {
  const [outcome] = await evaluate([schedule]);
  if (outcome !== undefined) parentPort?.postMessage(outcome satisfies HuntReply);
});
