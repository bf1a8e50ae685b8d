import { Cluster, type Redis } from 'ioredis';
import { ackedBy } from '../acks.ts';
import { closedError, describeFailure } from '../errors.ts';
import type { AckedPort, AckOptions, TextPort } from '../port.ts';
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
  let closed = false;

  const send = (name: string, args: string[], wantsAcks: boolean, withinMs = timeoutMs): TrackedCommand => {
    if (closed) throw closedError();
    const command = new TrackedCommand(name, args);
    command.wantsAcks = wantsAcks;
    command.setTimeout(withinMs);
    client.sendCommand(command);
    return command;
  };
  const failure = (error: unknown, { sent }: TrackedCommand) =>
    closed && !sent.written ? closedError() : describeFailure(error, sent, problems.of(sent.node));

  async function runWhole<T>(call: ScriptCall<T>, withinMs: number): Promise<Ran<T>> {
    const { script, rest, read, wantsAcks } = call;
    const command = send(evalName, [script.source, ...rest], wantsAcks, withinMs);
    try {
      return { values: read(await command.promise, script, command.sent.node), command };
    } catch (error) {
      throw failure(error, command);
    }
  }

  async function runOnce<T>(call: ScriptCall<T>): Promise<Ran<T>> {
    const startedMs = performance.now();
    const { script, rest, read, wantsAcks } = call;
    const command = send(evalShaName, [script.sha, ...rest], wantsAcks);
    try {
      return { values: read(await command.promise, script, command.sent.node), command };
    } catch (error) {
      if (!isNoScript(error)) throw failure(error, command);
      return runWhole(call, Math.max(1, timeoutMs - (performance.now() - startedMs)));
    }
  }

  return {
    async run(script, keys, args) {
      const rest = [String(keys.length), ...keys, ...args];
      const { values, command } = await runOnce({ script, rest, read: integers, wantsAcks: false });
      return { values, node: command.sent.node };
    },
    async runText(script, keys, args) {
      const rest = [String(keys.length), ...keys, ...args];
      const { values, command } = await runOnce({ script, rest, read: texts, wantsAcks: false });
      return { values, node: command.sent.node };
    },
    async runAcked(script, keys, args) {
      const deadlineMs = performance.now() + timeoutMs;
      const rest = [String(keys.length), ...keys, ...args];
      const { values, command } = await runOnce({ script, rest, read: integers, wantsAcks: true });
      const { node } = command.sent;
      return { values, node, acked: () => ackedBy(deadlineMs, command.acks, node) };
    },
    async ready() {
      const command = send('ping', [], false);
      await command.promise.catch((error: unknown) => {
        throw failure(error, command);
      });
    },
    async close() {
      closed = true;
      client.disconnect();
      lanes?.close();
    },
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
    node.on('error', (error: Error) => problems.begin(error, address));
    node.on('ready', () => problems.end(address));
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
interface ScriptCall<T> {
  readonly script: Script;
  readonly rest: string[];
  readonly read: (reply: unknown, script: Script, node: string) => readonly T[];
  readonly wantsAcks: boolean;
}

interface Ran<T> {
  readonly values: readonly T[];
  /** The command that ran the script. */
  readonly command: TrackedCommand;
}
