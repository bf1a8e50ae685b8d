import type { Socket } from 'node:net';
import { Command, type Redis } from 'ioredis';
import type { AckedCommand } from '../ack-lanes.ts';
import type { SendRecord } from '../errors.ts';
import { GatheredWrites } from '../gathered-writes.ts';

export const NEVER_SENT: SendRecord = { written: false, node: 'no node' };

/** A command with its send record as a field; a map of records would cost more in garbage collection. */
export class TrackedCommand extends Command implements AckedCommand {
  sent = NEVER_SENT;
  /** Whether it uses lanes, which wait for the replicas. */
  wantsAcks = false;
  acks: Promise<void> | undefined;
  deadlineMs = Infinity;
  /** Whether it needs ASKING: its slot is being imported by the node. */
  isAsking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, args: string[]) {
    super(name, []);
    this.args = args; // skips the argument conversion of ioredis, a tenth of a client's time
  }

  /** Rejects at the deadline. ioredis deletes the field of its timer, which makes slow objects of 1.6 kB of commands. */
  override setTimeout(ms: number): void {
    if (this.#timer !== undefined) return;
    this.deadlineMs = performance.now() + ms;
    this.#timer = setTimeout(() => this.reject(new Error('Command timed out')), ms);
  }

  /** To be called once the promise has settled. */
  clearTimeout(): void {
    clearTimeout(this.#timer);
  }

  refuse(error: Error): void {
    this.reject(error);
  }
}

/**
 * Records for each command whether this node's connection has written it. ioredis queues a command that it cannot
 * write yet and calls `sendCommand` again once the connection is ready, even if its promise was rejected before; such
 * a command is dropped here. Commands that want acks go to `byLanes`, if given. Gives the node's current address.
 */
export function watchSends(node: Redis, byLanes?: (command: TrackedCommand) => void): () => string {
  let queued: SendRecord = { written: false, node: addressOf(node) };
  let written: SendRecord = { written: true, node: addressOf(node) };
  if (isFoundBySentinel(node))
    node.on('connect', () => {
      queued = { written: false, node: addressOf(node) };
      written = { written: true, node: addressOf(node) };
    });
  const original = node.sendCommand.bind(node);
  const asking = node.asking.bind(node);
  let isAsking = false;
  // ioredis sends ASKING before a redirected command and drops its promise; the command itself reports errors.
  node.asking = () => {
    const answer = asking();
    answer.catch(() => {});
    isAsking = true;
    return answer;
  };
  const gathered = new GatheredWrites(node) as unknown as Socket; // ioredis only calls write
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
  return () => queued.node;
}

/** The address of a node. Behind Sentinels it is that of the current connection. */
export function addressOf(node: Redis): string {
  const { host, port, path } = node.options;
  if (!isFoundBySentinel(node)) return path ?? `${host}:${port}`;
  const { remoteAddress, remotePort } = node.stream ?? {};
  return remoteAddress === undefined ? 'the primary of the Sentinels' : `${remoteAddress}:${remotePort}`;
}

function isFoundBySentinel({ options: { sentinels } }: Redis): boolean {
  return sentinels !== undefined && sentinels !== null;
}
