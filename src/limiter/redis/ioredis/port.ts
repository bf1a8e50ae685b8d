import { Cluster, type Redis } from 'ioredis';
import { OpenclawError } from '../../../core/errors.ts';
import { closedError, describeFailure, refuseSentinel } from '../errors.ts';
import { InFlight } from '../in-flight.ts';
import type { AckedPort, AckedReply, AckOptions, ScriptReply, TextPort, TextReply } from '../port.ts';
import type { Script } from '../script.ts';
import { integers, isNoScript, texts } from '../script.ts';
import { ioredisLanes } from './lanes.ts';
import { addressOf, NEVER_SENT, TrackedCommand, watchSends } from './sends.ts';

/**
 * A port over a client of ioredis that writes a command to a socket at most once. Retries and resends are off, and a
 * command that timed out is never written later. The port knows for each command whether it was written, and to which
 * node: that decides between `charge: none` and `charge: possible`. With `readsReplicas` scripts run on replicas of a
 * cluster and may only read. `runAcked` requires `acks`.
 */
export function ioredisPort(
  client: Redis | Cluster,
  timeoutMs: number,
  {
    readsReplicas = false,
    acks,
  }: { readonly readsReplicas?: boolean; readonly acks?: Required<AckOptions> } = {},
): TextPort & AckedPort {
  const [evalName, evalShaName] = readsReplicas ? ['eval_ro', 'evalsha_ro'] : ['eval', 'evalsha'];
  const lanes = acks && ioredisLanes(client, timeoutMs, acks);
  const problems = watchProblems(client, lanes);
  const sendUnlessAway = watchAttempts(client);
  const calls = new InFlight();

  const send = (name: string, args: string[], wantsAcks: boolean, withinMs = timeoutMs): TrackedCommand => {
    const command = new TrackedCommand(name, args);
    command.wantsAcks = wantsAcks;
    command.setTimeout(withinMs);
    if (name === 'ping') client.sendCommand(command);
    else sendUnlessAway(command);
    return command;
  };
  const failure = (error: unknown, { sent }: TrackedCommand) =>
    calls.isClosed && !sent.written ? closedError() : describeFailure(error, sent, problems.of(sent.node));

  async function runWhole<R>(call: ScriptCall<R>, withinMs: number): Promise<R> {
    const { script, rest, read, wantsAcks } = call;
    const command = send(evalName, [script.source, ...rest], wantsAcks, withinMs);
    try {
      return read(await command.promise, script, command);
    } catch (error) {
      throw failure(error, command);
    } finally {
      command.clearTimeout();
    }
  }

  async function runOnce<R>(call: ScriptCall<R>): Promise<R> {
    calls.begin();
    const startedMs = performance.now();
    const { script, rest, read, wantsAcks } = call;
    const command = send(evalShaName, [script.sha, ...rest], wantsAcks);
    try {
      return read(await command.promise, script, command);
    } catch (error) {
      if (!isNoScript(error)) throw failure(error, command);
      return await runWhole(call, Math.max(1, timeoutMs - (performance.now() - startedMs)));
    } finally {
      command.clearTimeout();
      calls.end();
    }
  }

  const runner =
    <R>(read: ScriptCall<R>['read'], { wantsAcks = false } = {}) =>
    (script: Script, keys: readonly string[], args: readonly string[]): Promise<R> =>
      runOnce({ script, rest: [String(keys.length), ...keys, ...args], read, wantsAcks });

  return {
    run: runner(readIntegers),
    runText: runner(readTexts),
    runAcked: runner(readAcked, { wantsAcks: true }),
    async ready() {
      calls.begin();
      const command = send('ping', [], false);
      const about = send('info', ['server'], false);
      const info = about.promise.catch(() => ''); // its user may lack the right
      try {
        await command.promise;
        refuseSentinel(await info, command.sent.node);
      } catch (error) {
        throw failure(error, command);
      } finally {
        for (const each of [command, about]) each.clearTimeout();
        calls.end();
      }
    },
    async close() {
      await calls.close();
      client.disconnect();
      lanes?.close();
    },
  };
}

function readIntegers(reply: unknown, script: Script, { sent: { node } }: TrackedCommand): ScriptReply {
  return { values: integers(reply, script, node), node };
}

function readTexts(reply: unknown, script: Script, { sent: { node } }: TrackedCommand): TextReply {
  return { values: texts(reply, script, node), node };
}

function readAcked(reply: unknown, script: Script, command: TrackedCommand): AckedReply {
  const { values, node } = readIntegers(reply, script, command);
  const acked = async () => {
    if (command.acks !== undefined) return command.acks;
    throw new OpenclawError('NOT_ACKED', `no WAIT was sent after a write to ${node}`);
  };
  return { values, node, acked };
}

/**
 * Sends a command, or refuses it if the last attempt to connect failed: to wait for the next attempt, which may fail as
 * well, would let each user wait while Redis is away. After a connection was lost, the first attempt is awaited; a
 * cluster client of ioredis would let its commands wait for further ones.
 */
function watchAttempts(client: Redis | Cluster): (command: TrackedCommand) => void {
  const waiting = new Set<TrackedCommand>();
  let [wasReady, hasFailed] = [client.status === 'ready', false];
  const refuse = (command: TrackedCommand) => command.refuse(new Error('the last attempt to connect failed'));
  client.on('ready', () => {
    [wasReady, hasFailed] = [true, false];
    waiting.clear();
  });
  client.on('close', () => {
    hasFailed = !wasReady;
    wasReady = false;
    if (!hasFailed) return;
    for (const command of waiting) refuse(command);
    waiting.clear();
  });
  return (command) => {
    if (hasFailed) return refuse(command);
    if (client.status !== 'ready') waiting.add(command);
    client.sendCommand(command);
  };
}

/** Watches the connection errors of each node, and its writes. */
function watchProblems(
  client: Redis | Cluster,
  lanes: ReturnType<typeof ioredisLanes> | undefined,
): Problems {
  const problems = new Problems();
  const watch = (node: Redis) => {
    const address = watchSends(node, lanes && ((command) => lanes.send(node, command)));
    node.on('error', (error: Error) => problems.begin(error, address()));
    node.on('ready', () => problems.end(address()));
  };
  client.on('ready', () => problems.end());
  client.on('error', (error: Error & { lastNodeError?: Error }) =>
    problems.begin(error.lastNodeError ?? error),
  );
  if (client instanceof Cluster) {
    client.on('+node', watch);
    client.on('refresh', () => problems.onlyOf(client.nodes().map(addressOf)));
  } else {
    watch(client);
  }
  return problems;
}

/** The current connection error of each node; an error that is over does not explain a later failure. */
class Problems {
  readonly #byNode = new Map<string, Error>();

  /** Without a node: an error of the cluster as a whole. */
  begin(error: Error, node = NEVER_SENT.node): void {
    this.#byNode.delete(node); // to the end: the latest is last
    this.#byNode.set(node, error);
  }

  end(node = NEVER_SENT.node): void {
    this.#byNode.delete(node);
  }

  /** Drops the errors of nodes that have left. */
  onlyOf(nodes: readonly string[]): void {
    for (const node of this.#byNode.keys()) if (!nodes.includes(node)) this.#byNode.delete(node);
  }

  /** The error of a node; without a node, the latest of all. */
  of(node: string): Error | undefined {
    return node === NEVER_SENT.node ? [...this.#byNode.values()].at(-1) : this.#byNode.get(node);
  }
}

/** A script call: number of keys, keys and arguments, and the parser of its reply. */
interface ScriptCall<R> {
  readonly script: Script;
  readonly rest: string[];
  readonly read: (reply: unknown, script: Script, command: TrackedCommand) => R;
  readonly wantsAcks: boolean;
}
