import type { Random } from '../../core/prng.ts';
import { checkAcks } from '../../limiter/redis/acks.ts';
import { readTimeout } from '../../limiter/redis/command-timeout.ts';
import type { Connect } from '../../limiter/redis/connect.ts';
import { parseRedisUrl, type RedisConnection } from '../../limiter/redis/connection.ts';
import type { AckOptions } from '../../limiter/redis/port.ts';
import type { Network, Place } from '../network.ts';
import type { ServiceProcess } from '../service/process.ts';
import type { Client, ClientEvents } from './client.ts';
import { ClusterClient } from './cluster-client.ts';
import { SimulatedLanes } from './lanes.ts';
import { OnePrimaryClient } from './one-primary-client.ts';
import { SimulatedPort } from './port.ts';
import type { Servers } from './primary-connection.ts';
import type { SentCommand } from './sent-command.ts';

export interface ConnectOptions {
  readonly network: Network;
  readonly from: Place;
  /** The process whose connections end with it. */
  readonly process: ServiceProcess;
  readonly random: Random;
  /** Called for each command of the process. */
  readonly onCommand?: () => void;
  /** Called for each error that a node of a cluster replied. */
  readonly onErrorReply?: () => void;
}

/** The connections of a simulated process. The hosts of its addresses are the names of nodes. */
export function simulatedConnect(options: ConnectOptions): Connect {
  const { network, process, onCommand } = options;
  const open = (
    connection: RedisConnection,
    { readsReplicas = false, acks }: { readsReplicas?: boolean; acks?: Required<AckOptions> },
  ) => {
    const timeoutMs = readTimeout(connection);
    const port = new SimulatedPort({
      ...{ time: network.time, timeoutMs, readsReplicas, onCommand },
      open: (events) => openClient(connection, { ...options, ...events, timeoutMs, readsReplicas, acks }),
    });
    process.onEnd(() => void port.close());
    return port;
  };
  return {
    plain: (connection, more = {}) => open(connection, more),
    acked: (connection, acks) => open(connection, { acks: checkAcks(acks) }),
  };
}

interface OpenOptions extends ConnectOptions, ClientEvents {
  readonly timeoutMs: number;
  readonly readsReplicas: boolean;
  readonly acks: Required<AckOptions> | undefined;
}

function openClient({ urls, cluster, sentinel }: RedisConnection, options: OpenOptions): Client {
  const seeds = urls.map((url) => parseRedisUrl(url).host);
  const { network, from, timeoutMs, acks, process } = options;
  let look = () => {};
  const one = cluster ? undefined : serversOf(seeds, sentinel !== undefined);
  const lanes =
    acks &&
    new SimulatedLanes({
      ...{ network, from, timeoutMs, acks, time: process.time },
      ...(one && { servers: one }),
      lookForPrimaries: () => look(),
    });
  if (lanes !== undefined) process.onEnd(() => lanes.close());
  if (one !== undefined) {
    const byLanes = lanes && { byLanes: (command: SentCommand) => lanes.send(nameOf(one), command) };
    return new OnePrimaryClient({ ...options, servers: one, ...byLanes });
  }
  const byLanes = lanes && { byLanes: lanes.send, onLeft: lanes.leave };
  const client = new ClusterClient({ ...options, seeds, ...byLanes });
  look = () => client.refresh();
  return client;
}

function serversOf(seeds: readonly string[], areSentinels: boolean): Servers {
  return areSentinels ? { sentinels: seeds } : { node: seeds[0] ?? '' };
}

/** What its lanes call the server in an error. */
function nameOf(servers: Servers): string {
  return 'node' in servers ? servers.node : 'the primary of the Sentinels';
}
