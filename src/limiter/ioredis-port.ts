import type { Socket } from 'node:net';
import { Cluster, Command, Redis } from 'ioredis';
import { OpenclawError, quoted } from '../core/errors.ts';
import { GatheredWrites } from './gathered-writes.ts';
import { describeFailure, type SendRecord } from './redis-errors.ts';
import type { TextPort } from './redis-port.ts';
import { connectorFrom } from './region-connector.ts';
import type { Script } from './script.ts';

/** Where Redis is and how long to wait for it. */
export interface RedisConnection {
  /** `redis[s]://[user:password@]host:port`: one standalone server, or with `cluster` the first nodes to ask. */
  readonly urls: readonly string[];
  readonly cluster?: boolean;
  /** Override those of the address. */
  readonly username?: string;
  readonly password?: string;
  /** Connect from this address of this machine. */
  readonly localAddress?: string;
  /** From the call of `take` to its reply or error, milliseconds. Default 1000. */
  readonly commandTimeoutMs?: number;
}

const DEFAULT_COMMAND_TIMEOUT_MS = 1_000;
const MOST_COMMAND_TIMEOUT_MS = 600_000;

/**
 * Connects by ioredis under one rule: a command is written to a socket at most once. Retries and re-sends are
 * off, a command whose time is up is never written later, and for each command it is known whether it was
 * written, and to which node: the difference between `charge: none` and `charge: possible`. With `readsReplicas` scripts
 * run on replicas of a cluster, and may only read.
 */
export function connectIoredis(connection: RedisConnection, { readsReplicas = false } = {}): TextPort {
  const timeoutMs = checkTimeout(connection.commandTimeoutMs ?? DEFAULT_COMMAND_TIMEOUT_MS);
  const [evalName, evalShaName] = readsReplicas ? ['eval_ro', 'evalsha_ro'] : ['eval', 'evalsha'];
  let lastError: Error | undefined;
  let closed = false;
  const client = connection.cluster
    ? openCluster(connection, { timeoutMs, readsReplicas })
    : openStandalone(connection, timeoutMs);

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
    client.on('+node', watchSends);
  } else {
    watchSends(client);
  }

  const send = (name: string, args: string[], withinMs = timeoutMs): TrackedCommand => {
    if (closed) throw new OpenclawError('LIMITER_CLOSED', 'this limiter was closed');
    const command = new TrackedCommand(name, args);
    command.setTimeout(withinMs);
    client.sendCommand(command);
    return command;
  };
  const failure = (error: unknown, { sent }: TrackedCommand) => describeFailure(error, sent, lastError);

  async function runWhole<T>(
    { script, rest, read }: ScriptCall<T>,
    withinMs: number,
  ): Promise<{ values: readonly T[]; node: string }> {
    const command = send(evalName, [script.source, ...rest], withinMs);
    try {
      return { values: read(await command.promise, script, command), node: command.sent.node };
    } catch (error) {
      throw failure(error, command);
    }
  }

  async function runOnce<T>(call: ScriptCall<T>): Promise<{ values: readonly T[]; node: string }> {
    const startedMs = performance.now();
    const { script, rest, read } = call;
    const command = send(evalShaName, [script.sha, ...rest]);
    try {
      return { values: read(await command.promise, script, command), node: command.sent.node };
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

/** One script with the number of its keys, its keys and arguments, and how its reply is read. */
interface ScriptCall<T> {
  readonly script: Script;
  readonly rest: string[];
  readonly read: (reply: unknown, script: Script, command: TrackedCommand) => readonly T[];
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

function integers(reply: unknown, script: Script, { sent }: TrackedCommand): readonly number[] {
  if (Array.isArray(reply) && reply.every(Number.isSafeInteger)) return reply;
  throw new OpenclawError(
    'REPLY_UNEXPECTED',
    `${script.name}: expected integers from ${sent.node}, found ${String(reply)}`,
  );
}

/** Text comes as bytes, since nobody told ioredis how to read it. */
function texts(reply: unknown, script: Script, { sent }: TrackedCommand): readonly (string | number)[] {
  const values = Array.isArray(reply)
    ? reply.map((one: unknown) => (Buffer.isBuffer(one) ? one.toString() : one))
    : [];
  if (Array.isArray(reply) && values.every((one) => typeof one === 'string' || Number.isSafeInteger(one)))
    return values as (string | number)[];
  throw new OpenclawError(
    'REPLY_UNEXPECTED',
    `${script.name}: expected text and integers from ${sent.node}, found ${String(reply)}`,
  );
}

const BACKOFF_MS = { first: 50, most: 1_000 };

function backoff(attempt: number): number {
  return Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** Math.min(attempt, 10));
}

function openStandalone(
  { urls, username, password, localAddress }: RedisConnection,
  timeoutMs: number,
): Redis {
  const url = parseRedisUrl(urls[0]);
  if (urls.length > 1) {
    throw new OpenclawError(
      'INVALID_OPTION',
      'several Redis addresses need cluster: true; standalone takes one',
    );
  }
  return new Redis({
    ...url,
    ...(username && { username }),
    ...(password && { password }),
    ...(localAddress && { Connector: connectorFrom(localAddress) }),
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    socketTimeout: timeoutMs, // a connection gone silent is given up, its handshake too
    retryStrategy: backoff,
  });
}

function openCluster(
  { urls, ...credentials }: RedisConnection,
  { timeoutMs, readsReplicas }: { timeoutMs: number; readsReplicas: boolean },
): Cluster {
  const nodes = urls.map(parseRedisUrl);
  const url = parseRedisUrl(urls[0]);
  const username = credentials.username ?? url.username;
  const password = credentials.password ?? url.password;
  return new Cluster(
    nodes.map(({ host, port }) => ({ host, port })),
    {
      // Each of these, left at its default, sends a command again or turns a definite answer into a time-out.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      retryDelayOnTryAgain: 0,
      ...(readsReplicas && { scaleReads: 'slave' as const }),
      slotsRefreshTimeout: 2_000,
      clusterRetryStrategy: backoff,
      redisOptions: {
        maxRetriesPerRequest: 0,
        autoResendUnfulfilledCommands: false,
        socketTimeout: timeoutMs,
        ...(username && { username }),
        ...(password && { password }),
        ...(url.tls && { tls: url.tls }),
        ...(credentials.localAddress && { Connector: connectorFrom(credentials.localAddress) }),
      },
    },
  );
}

interface ParsedUrl {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: object;
}

function parseRedisUrl(text: string | undefined): ParsedUrl {
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  const [username, password] = [url?.username, url?.password].map((part = '') => decode(part));
  const isRedis = url !== undefined && /^rediss?:$/.test(url.protocol) && url.hostname !== '';
  // A numbered database that cannot be selected would silently be database 0: there is none to choose.
  const isBare = url !== undefined && `${url.pathname}${url.search}${url.hash}`.replace(/^\/$/, '') === '';
  if (!isRedis || !isBare || username === undefined || password === undefined) {
    // The text may hold a password: it is not shown.
    throw new OpenclawError(
      'INVALID_OPTION',
      'a Redis address is written redis[s]://[user:password@]host:port',
    );
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    host,
    port: url.port === '' ? 6379 : Number(url.port),
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  };
}

/**
 * Notes each command's way through one node's connection. ioredis puts a command it cannot write yet into a
 * queue and calls `sendCommand` again once the connection is ready, also when its promise was rejected long
 * ago; such a command is dropped here.
 */
function watchSends(node: Redis): void {
  const address = `${node.options.host}:${node.options.port}`;
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
}

/** Undoes percent-encoding; undefined where it is broken. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function checkTimeout(ms: number): number {
  if (Number.isSafeInteger(ms) && ms >= 1 && ms <= MOST_COMMAND_TIMEOUT_MS) return ms;
  throw new OpenclawError(
    'INVALID_OPTION',
    `a command timeout is 1 to ${MOST_COMMAND_TIMEOUT_MS} whole milliseconds; found ${quoted(ms)}`,
  );
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
