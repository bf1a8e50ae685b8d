import { Cluster, type Redis } from 'ioredis';
import { ackedBy } from './acks.ts';
import { ioredisLanes } from './ioredis-lanes.ts';
import { TrackedCommand, watchSends } from './ioredis-sends.ts';
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
  { readsReplicas = false, acks }: { readonly readsReplicas?: boolean; readonly acks?: AckOptions } = {},
): TextPort & AckedPort {
  const [evalName, evalShaName] = readsReplicas ? ['eval_ro', 'evalsha_ro'] : ['eval', 'evalsha'];
  let lastError: Error | undefined;
  let closed = false;

  const lanes = acks && ioredisLanes(client, timeoutMs, acks);
  const watch = (node: Redis) => watchSends(node, lanes && ((command) => lanes.send(node, command)));

  client.on('ready', () => {
    lastError = undefined;
  });
  client.on('error', (error: Error & { lastNodeError?: Error }) => {
    lastError = error.lastNodeError ?? error;
  });
  if (client instanceof Cluster) {
    client.on('node error', (error: Error) => {
      lastError = error;
    });
    client.on('+node', watch);
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
    closed && !sent.written ? closedError() : describeFailure(error, sent, lastError);

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
