import type { Socket } from 'node:net';
import { Command, type Redis } from 'ioredis';
import type { AckedCommand } from './ack-lanes.ts';
import { GatheredWrites } from './gathered-writes.ts';
import type { SendRecord } from './redis-errors.ts';

export const NEVER_SENT: SendRecord = { written: false, node: 'no node' };

/** A command that knows how far it got; a map of them would cost the garbage collector more than they do. */
export class TrackedCommand extends Command implements AckedCommand {
  sent = NEVER_SENT;
  /** Whether it goes by lanes, where its writes are waited for. */
  wantsAcks = false;
  acks: Promise<void> | undefined;
  /** Whether its node, which does not keep the slot yet, is to run it nevertheless. */
  isAsking = false;

  constructor(name: string, args: string[]) {
    super(name, []);
    this.args = args; // to look through them for lists and numbers takes ioredis a tenth of a client's time
  }

  refuse(error: Error): void {
    this.reject(error);
  }
}

/**
 * Notes each command's way through one node's connection. ioredis puts a command it cannot write yet into a
 * queue and calls `sendCommand` again once the connection is ready, also when its promise was rejected long
 * ago; such a command is dropped here. What wants acks is handed to `byLanes`, where it is given.
 * Gives the node's address.
 */
export function watchSends(node: Redis, byLanes?: (command: TrackedCommand) => void): string {
  const address = addressOf(node);
  const queued: SendRecord = { written: false, node: address };
  const written: SendRecord = { written: true, node: address };
  const original = node.sendCommand.bind(node);
  const asking = node.asking.bind(node);
  let isAsking = false;
  // ioredis sends ASKING before a command that is redirected and forgets its promise: the command tells the rest.
  node.asking = () => {
    const answer = asking();
    answer.catch(() => {});
    isAsking = true;
    return answer;
  };
  const gathered = new GatheredWrites(node) as unknown as Socket; // ioredis asks no more of it than write
  node.sendCommand = (command: Command, stream) => {
    if (command.isSettled) return command.promise;
    if (byLanes !== undefined && command instanceof TrackedCommand && command.wantsAcks) {
      command.sent = queued;
      command.isAsking = isAsking;
      isAsking = false;
      byLanes(command);
      return command.promise;
    }
    isAsking = false;
    const isReady = node.status === 'ready';
    if (command instanceof TrackedCommand) command.sent = isReady ? written : queued;
    return original(command, isReady && !stream ? gathered : stream);
  };
  return address;
}

export function addressOf({ options: { host, port, path } }: Redis): string {
  return path ?? `${host}:${port}`;
}
