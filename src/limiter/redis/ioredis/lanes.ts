import { Cluster, Command, type Redis } from 'ioredis';
import { systemTime } from '../../system-surroundings.ts';
import { AckLanes, type Lane, type LaneEvents } from '../ack-lanes.ts';
import { backoff } from '../command-timeout.ts';
import type { AckOptions } from '../port.ts';
import { addressOf, type TrackedCommand, watchSends } from './sends.ts';

const LEAST_BETWEEN_LOOKS_MS = 250;

/** The lanes to each node of an ioredis client, in addition to the client's own connection. */
export function ioredisLanes(
  client: Redis | Cluster,
  timeoutMs: number,
  { replicas, lanes: count }: Required<AckOptions>,
) {
  const lanesOf = new Map<Redis, AckLanes<TrackedCommand>>();
  const retired = new Set<AckLanes<TrackedCommand>>();
  let lookedMs = 0;

  /** The client's own connection to a node is idle, so it does not notice that the node is gone. */
  function lookForPrimaries(): void {
    const nowMs = performance.now();
    if (!(client instanceof Cluster) || nowMs - lookedMs < LEAST_BETWEEN_LOOKS_MS) return;
    lookedMs = nowMs;
    client.refreshSlotsCache();
  }

  function open(node: Redis): AckLanes<TrackedCommand> {
    const lanes = new AckLanes<TrackedCommand>({
      get node() {
        return addressOf(node); // behind Sentinels it changes
      },
      replicas,
      timeoutMs,
      count,
      time: systemTime,
      open: (events) => openLane(node, timeoutMs, events),
      onStuck: lookForPrimaries,
    });
    lanesOf.set(node, lanes);
    return lanes;
  }

  if (client instanceof Cluster)
    client.on('-node', (node: Redis) => {
      const lanes = lanesOf.get(node);
      if (lanes === undefined) return;
      lanesOf.delete(node);
      retired.add(lanes);
      lanes.retire(() => retired.delete(lanes));
    });

  return {
    send(node: Redis, command: TrackedCommand): void {
      (lanesOf.get(node) ?? open(node)).send(command);
    },
    close(): void {
      for (const lanes of [...lanesOf.values(), ...retired]) lanes.close();
      lanesOf.clear();
      retired.clear();
    },
  };
}

function openLane(node: Redis, timeoutMs: number, { onReady, onLost }: LaneEvents): Lane<TrackedCommand> {
  const redis = node.duplicate({
    lazyConnect: false,
    readOnly: false,
    retryStrategy: backoff,
    enableOfflineQueue: false, // commands are sent only while it can write them
    commandTimeout: undefined,
    blockingTimeout: undefined,
    socketTimeout: 2 * timeoutMs, // the reply of a WAIT that timed out must still arrive
  });
  watchSends(redis);
  let lastError: Error | undefined;
  redis.on('ready', onReady);
  redis.on('error', (error: Error) => {
    lastError = error;
  });
  redis.on('close', () => {
    onLost(lastError ?? new Error('Connection is closed.'));
    lastError = undefined;
  });
  return {
    write(command) {
      if (command.isAsking) redis.asking();
      redis.sendCommand(command);
    },
    async wait(replicas, timeoutMs) {
      const reply = await redis.sendCommand(new Command('wait', [String(replicas), String(timeoutMs)]));
      return Number(reply);
    },
    close: () => redis.disconnect(),
  };
}
