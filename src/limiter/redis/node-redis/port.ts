import { describeFailure, refuseSentinel } from '../errors.ts';
import { InFlight } from '../in-flight.ts';
import type { RedisPort, ScriptReply } from '../port.ts';
import { integers, isNoScript } from '../script.ts';
import { NodeReplyError } from './node-redis-connection.ts';

/** Routes commands to nodes. */
export interface NodeRedisRoute {
  /**
   * Sends a command to the node of this key, or to any node, and returns which one replied. Rejects with a
   * NodeReplyError, or with an OpenclawError at the latest at `deadlineMs` of `performance.now()`.
   */
  send(
    key: string | undefined,
    args: readonly string[],
    deadlineMs: number,
  ): Promise<{ readonly reply: unknown; readonly node: string }>;
  close(): void;
}

/** A port over connections of node-redis. As over ioredis, a command is written at most once. */
export function nodeRedisPort(route: NodeRedisRoute, timeoutMs: number): RedisPort {
  const calls = new InFlight();

  return {
    async run(script, keys, args): Promise<ScriptReply> {
      calls.begin();
      const deadlineMs = performance.now() + timeoutMs;
      const [key] = keys;
      const rest = [String(keys.length), ...keys, ...args];
      try {
        const { reply, node } = await route
          .send(key, ['EVALSHA', script.sha, ...rest], deadlineMs)
          .catch((error: unknown) => {
            if (!isNoScript(error)) throw error;
            return route.send(key, ['EVAL', script.source, ...rest], deadlineMs);
          });
        return { values: integers(reply, script, node), node };
      } catch (error) {
        throw explain(error);
      } finally {
        calls.end();
      }
    },
    async ready() {
      calls.begin();
      const deadlineMs = performance.now() + timeoutMs;
      try {
        const { node } = await route.send(undefined, ['PING'], deadlineMs);
        const info = await route.send(undefined, ['INFO', 'server'], deadlineMs).catch(() => ({ reply: '' })); // its user may lack the right
        refuseSentinel(info.reply, node);
      } catch (error) {
        throw explain(error);
      } finally {
        calls.end();
      }
    },
    async close() {
      await calls.close();
      route.close();
    },
  };
}

function explain(error: unknown): unknown {
  if (!(error instanceof NodeReplyError)) return error;
  return describeFailure(error, { written: true, node: error.node }, undefined);
}
