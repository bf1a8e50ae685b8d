import { Cluster, type Redis } from 'ioredis';
import { ackedBy } from './acks.ts';
import { ioredisLanes } from './ioredis-lanes.ts';
import { addressOf, NEVER_SENT, TrackedCommand, watchSends } from './ioredis-sends.ts';
import { closedError, describeFailure } from './redis-errors.ts';
import type { AckedPort, AckOptions, TextPort } from './redis-port.ts';
import type { Script } from './script.ts';
import { integers, isNoScript, texts } from './script-reply.ts';

/**
 * A port over a client of ioredis, under one rule: a command is written to a socket at most once. Retries and re-sends are
 * off, a command whose time is up is never written later, and for each command it is known whether it was
 * written, and to which node: the difference between `charge: none` and `charge: possible`. With `readsReplicas` scripts
 * run on replicas of a cluster, and may only read; `acks` are what `runAcked` needs.
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
  const troubles = new Troubles();
  let closed = false;

  const lanes = acks && ioredisLanes(client, timeoutMs, acks);
  const watch = (node: Redis) => {
    const address = watchSends(node, lanes && ((command) => lanes.send(node, command)));
    node.on('error', (error: Error) => troubles.begin(error, address));
    node.on('ready', () => troubles.end(address));
  };

  client.on('ready', () => troubles.end());
  client.on('error', (error: Error & { lastNodeError?: Error }) =>
    troubles.begin(error.lastNodeError ?? error),
  );
  if (client instanceof Cluster) {
    client.on('+node', watch);
    client.on('refresh', () => troubles.onlyOf(client.nodes().map(addressOf)));
  } else {
    watch(client);
  }

  const send = (name: string, args: string[], wantsAcks: boolean, withinMs = timeoutMs): TrackedCommand => {
    if (closed) throw closedError();
    const command = new TrackedCommand(name, args);
    command.wantsAcks = wantsAcks;
    command.setTimeout(withinMs);
    client.sendCommand(command);
    return command;
  };
  const failure = (error: unknown, { sent }: TrackedCommand) =>
    closed && !sent.written ? closedError() : describeFailure(error, sent, troubles.of(sent.node));

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

/** Why which node cannot be reached now: a trouble that is over is not the reason of what fails later. */
class Troubles {
  readonly #byNode = new Map<string, Error>();

  /** Of no node: of the cluster as a whole. */
  begin(error: Error, node = NEVER_SENT.node): void {
    this.#byNode.delete(node); // to the end: the latest is last
    this.#byNode.set(node, error);
  }

  end(node = NEVER_SENT.node): void {
    this.#byNode.delete(node);
  }

  /** Forgets those of nodes that have left. */
  onlyOf(nodes: readonly string[]): void {
    for (const node of this.#byNode.keys()) if (!nodes.includes(node)) this.#byNode.delete(node);
  }

  /** What was queued for a node fails with that node's trouble, and what never got to one with the latest of all. */
  of(node: string): Error | undefined {
    return node === NEVER_SENT.node ? [...this.#byNode.values()].at(-1) : this.#byNode.get(node);
  }
}

/** One script with the number of its keys, its keys and arguments, and how its reply is read. */
interface ScriptCall<T> {
  readonly script: Script;
  readonly rest: string[];
  readonly read: (reply: unknown, script: Script, node: string) => readonly T[];
  readonly wantsAcks: boolean;
}

interface Ran<T> {
  readonly values: readonly T[];
  /** The one that ran it. */
  readonly command: TrackedCommand;
}
