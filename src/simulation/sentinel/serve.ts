import type { End, Network } from '../network.ts';
import type { Answer, Command } from '../nodes/messages.ts';
import type { ServerProcess } from '../nodes/process.ts';
import type { FromSentinel, Hello, ToSentinel } from './messages.ts';
import type { Votes } from './votes.ts';
import type { Watched } from './watched.ts';

const NEWS_BYTES = 120;

/** What a Sentinel answers from. */
export interface Knowledge {
  readonly node: string;
  readonly process: ServerProcess;
  readonly votes: Votes;
  /** The primary that it names to clients. */
  readonly named: () => string;
  /** The primary of its configuration. */
  readonly primary: () => Watched;
  readonly hearHello: (hello: Hello) => void;
}

/** Answers clients and other Sentinels at the data port of a Sentinel. The result tells subscribers of a further primary. */
export function serve(network: Network, knowledge: Knowledge): (primary: string) => void {
  const { node, process } = knowledge;
  const subscribers = new Set<End<Answer>>();
  network.listen<Answer | ToSentinel, Command | FromSentinel>({ node, port: 'data' }, (end, from) => {
    const socket = process.socket();
    return {
      message: (message) =>
        socket.run(() => {
          if (message.name === 'subscribe') subscribers.add(end);
          else if (from.node === undefined) end.send(answerClient(message, knowledge), 80);
          else answerPeer(message as FromSentinel, end, knowledge);
        }),
      closed: () => subscribers.delete(end),
    };
  });
  return (primary) => {
    for (const end of subscribers) end.send({ primary }, NEWS_BYTES);
  };
}

function answerClient({ name }: Command | FromSentinel, { named }: Knowledge): Answer {
  if (name === 'primary') return { primary: named() };
  return name === 'ping' ? { values: [] } : { error: 'ERR unknown command' };
}

function answerPeer(
  message: FromSentinel,
  end: End<ToSentinel>,
  { primary, votes, hearHello }: Knowledge,
): void {
  if (message.name === 'ping') end.send({ reply: 'pong' }, 7);
  else if (message.name === 'hello') hearHello(message.hello);
  else if (message.name === 'is-down') {
    const { candidate, epoch } = message;
    const { name, isDown } = primary();
    const isKnown = message.node === name;
    const vote = isKnown && candidate !== undefined ? votes.give(candidate, epoch) : undefined;
    end.send({ isDown: isKnown && isDown, vote }, 80);
  }
}
