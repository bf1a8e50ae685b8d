import type { Timer } from '../../core/time.ts';
import type { Network, Place } from '../network.ts';
import type { Answer, Command } from '../nodes/messages.ts';
import { NodeConnection } from './node-connection.ts';

interface Asked {
  readonly network: Network;
  readonly from: Place;
  readonly node: string;
  readonly withinMs: number;
}

/**
 * Sends one command by a connection of its own, as ioredis asks for slots and Sentinels; calls back once. The result gives
 * up without a call.
 */
export function askOnce(
  { network, from, node, withinMs }: Asked,
  command: Command,
  onAnswer: (answer: Answer | Error) => void,
): Timer {
  let isOver = false;
  const end = () => {
    isOver = true;
    timer.cancel();
    connection.close();
  };
  const over = (answer: Answer | Error) => {
    if (isOver) return;
    end();
    onAnswer(answer);
  };
  const timer = network.time.after(withinMs * 1_000, () => over(new Error('timeout')));
  const connection = new NodeConnection({
    ...{ network, from, node, silenceMs: withinMs, queues: false },
    onReady: () => connection.write({ command, answered: over, refuse: over }),
    onEnd: (error) => over(error ?? new Error(`${node} closed the connection`)),
  });
  return { cancel: end };
}
