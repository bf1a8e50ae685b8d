import type { Network, Place } from '../network.ts';
import type { SlotsView } from '../nodes/messages.ts';
import { NodeConnection } from './node-connection.ts';

interface Asked {
  readonly network: Network;
  readonly from: Place;
  readonly node: string;
  readonly withinMs: number;
}

/** Reads CLUSTER SLOTS of a node by a connection of its own, as ioredis does; calls back once. */
export function askSlots(
  { network, from, node, withinMs }: Asked,
  onAnswer: (answer: readonly SlotsView[] | Error) => void,
): void {
  let isOver = false;
  const over = (answer: readonly SlotsView[] | Error) => {
    if (isOver) return;
    isOver = true;
    timer.cancel();
    connection.close();
    onAnswer(answer);
  };
  const timer = network.time.after(withinMs * 1_000, () => over(new Error('timeout')));
  const connection = new NodeConnection({
    ...{ network, from, node, silenceMs: withinMs, queues: false },
    onReady: () =>
      connection.write({
        command: { name: 'slots' },
        answered: (answer) =>
          over('slots' in answer ? answer.slots : new Error('error' in answer ? answer.error : 'no slots')),
        refuse: over,
      }),
    onEnd: (error) => over(error ?? new Error(`${node} closed the connection`)),
  });
}
