import type { Socket } from 'node:net';
import { Cluster, Command, type Redis } from 'ioredis';
import { GatheredWrites } from './gathered-writes.ts';
import { closedError, describeFailure, type SendRecord } from './redis-errors.ts';
import type { TextPort } from './redis-port.ts';
import type { Script } from './script.ts';
import { integers, isNoScript, texts } from './script-reply.ts';

/**
 * A port over a client of ioredis, under one rule: a command is written to a socket at most once. Retries and re-sends are
 * off, a command whose time is up is never written later, and for each command it is known whether it was
 * written, and to which node: the difference between `charge: none` and `charge: possible`. With `readsReplicas` scripts
 * run on replicas of a cluster, and may only read.
 */
export function ioredisPort(
  client: Redis | Cluster,
  timeoutMs: number,
  { readsReplicas = false } = {},
): TextPort {
  const [evalName, evalShaName] = readsReplicas ? ['eval_ro', 'evalsha_ro'] : ['eval', 'evalsha'];
  const troubles = new Troubles();
  let closed = false;

  client.on('ready', () => troubles.end());
  client.on('error', (error: Error & { lastNodeError?: Error }) =>
    troubles.begin(error.lastNodeError ?? error),
  );
  const watch = (node: Redis) => {
    const address = watchSends(node);
    node.on('error', (error: Error) => troubles.begin(error, address));
    node.on('ready', () => troubles.end(address));
  };
  if (client instanceof Cluster) {
    client.on('+node', watch);
    client.on('refresh', () => troubles.onlyOf(client.nodes().map(addressOf)));
  } else {
    watch(client);
  }

  const send = (name: string, args: string[], withinMs = timeoutMs): TrackedCommand => {
    if (closed) throw closedError();
    const command = new TrackedCommand(name, args);
    command.setTimeout(withinMs);
    client.sendCommand(command);
    return command;
  };
  const failure = (error: unknown, { sent }: TrackedCommand) =>
    closed && !sent.written ? closedError() : describeFailure(error, sent, troubles.of(sent.node));

  async function runWhole<T>(
    { script, rest, read }: ScriptCall<T>,
    withinMs: number,
  ): Promise<{ values: readonly T[]; node: string }> {
    const command = send(evalName, [script.source, ...rest], withinMs);
    try {
      return { values: read(await command.promise, script, command.sent.node), node: command.sent.node };
    } catch (error) {
      throw failure(error, command);
    }
  }

  async function runOnce<T>(call: ScriptCall<T>): Promise<{ values: readonly T[]; node: string }> {
    const startedMs = performance.now();
    const { script, rest, read } = call;
    const command = send(evalShaName, [script.sha, ...rest]);
    try {
      return { values: read(await command.promise, script, command.sent.node), node: command.sent.node };
    } catch (error) {
      if (!isNoScript(error)) throw failure(error, command);
      return runWhole(call, Math.max(1, timeoutMs - (performance.now() - startedMs)));
    }
  }

  return {
    run: (script, keys, args) =>
      runOnce({ script, rest: [String(keys.length), ...keys, ...args], read: integers }),
    runText: (script, keys, args) =>
      runOnce({ script, rest: [String(keys.length), ...keys, ...args], read: texts }),
    async ready() {
      const command = send('ping', []);
      await command.promise.catch((error: unknown) => {
        throw failure(error, command);
      });
    },
    async close() {
      closed = true;
      client.disconnect();
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
}

const NEVER_SENT: SendRecord = { written: false, node: 'no node' };

/** A command that knows how far it got; a map of them would cost the garbage collector more than they do. */
class TrackedCommand extends Command {
  sent = NEVER_SENT;

  constructor(name: string, args: string[]) {
    super(name, []);
    this.args = args; // to look through them for lists and numbers takes ioredis a tenth of a client's time
  }
}

/**
 * Notes each command's way through one node's connection. ioredis puts a command it cannot write yet into a
 * queue and calls `sendCommand` again once the connection is ready, also when its promise was rejected long
 * ago; such a command is dropped here. Gives the node's address.
 */
function watchSends(node: Redis): string {
  const address = addressOf(node);
  const queued: SendRecord = { written: false, node: address };
  const written: SendRecord = { written: true, node: address };
  const original = node.sendCommand.bind(node);
  const asking = node.asking.bind(node);
  // ioredis sends ASKING before a command that is redirected and forgets its promise: the command tells the rest.
  node.asking = () => {
    const answer = asking();
    answer.catch(() => {});
    return answer;
  };
  const gathered = new GatheredWrites(node) as unknown as Socket; // ioredis asks no more of it than write
  node.sendCommand = (command: Command, stream) => {
    if (command.isSettled) return command.promise;
    const isReady = node.status === 'ready';
    if (command instanceof TrackedCommand) command.sent = isReady ? written : queued;
    return original(command, isReady && !stream ? gathered : stream);
  };
  return address;
}

function addressOf({ options: { host, port, path } }: Redis): string {
  return path ?? `${host}:${port}`;
}
