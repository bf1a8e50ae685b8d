import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import { OpenclawError } from '../core/errors.ts';
import { describeFailure } from './redis-errors.ts';
import { connectorFrom } from './region-connector.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** An error reply stands in its command's place. */
export type Reply = unknown;

/** The little that an inspection needs of Redis. */
export interface InspectPort {
  /** Whether nodes are reached by TLS: clusters announce another port for it. */
  readonly isTls: boolean;
  /**
   * Sends these commands at once on a new connection to one node, made from the local address `from`, and
   * gives a reply for each, bytes for GET. Rejects with an OpenclawError when there was no connection or a reply is missing.
   */
  ask(
    to: Address,
    commands: readonly (readonly string[])[],
    from?: string,
  ): Promise<{ readonly replies: readonly Reply[]; readonly roundTripMs: number }>;
}

export interface InspectConnection {
  readonly username?: string;
  readonly password?: string;
  readonly tls?: { readonly caFile?: string; readonly insecure?: boolean };
  /** For the connection, and again for the replies. */
  readonly timeoutMs?: number;
}

/** Connects by ioredis; nothing is sent but AUTH where there is a password, and what is asked. */
export function connectInspector({
  username,
  password,
  tls,
  timeoutMs = 1_000,
}: InspectConnection): InspectPort {
  const tlsOptions = tls && {
    ...(tls.caFile && { ca: readCa(tls.caFile) }),
    rejectUnauthorized: !tls.insecure,
  };
  const isTls = tls !== undefined;
  return {
    isTls,
    async ask(to, commands, from) {
      const client = new Redis({
        ...to,
        ...(username && { username }),
        ...(password && { password }),
        ...(tlsOptions && { tls: tlsOptions }),
        ...(from && { Connector: connectorFrom(from) }),
        protocol: 2,
        lazyConnect: true,
        enableReadyCheck: false,
        disableClientInfo: true,
        retryStrategy: null,
        maxRetriesPerRequest: 0,
        connectTimeout: timeoutMs,
        socketTimeout: timeoutMs,
        disconnectTimeout: 100, // a timer of ioredis keeps the program alive as long as this
        commandTimeout: timeoutMs,
      });
      const node = `${to.host}:${to.port}`;
      let lastError: Error | undefined;
      client.on('error', (error: Error) => {
        lastError = error;
      });
      try {
        await client.connect().catch((error: unknown) => {
          throw explain(error, { written: false, node, isTls }, lastError);
        });
        const startedMs = performance.now();
        const replies = await Promise.all(
          commands.map(([name = '', ...args]) =>
            (name === 'GET' ? client.getBuffer(...(args as [string])) : client.call(name, ...args)).catch(
              (error: unknown) => {
                if (error instanceof Error && error.name === 'ReplyError') return error;
                throw explain(error, { written: lastError === undefined, node, isTls }, lastError);
              },
            ),
          ),
        );
        return { replies, roundTripMs: performance.now() - startedMs };
      } finally {
        client.disconnect();
      }
    },
  };
}

/** In the words of the catalogue; what only a connection by hand meets has its own way out. */
function explain(
  error: unknown,
  { isTls, ...sent }: { readonly written: boolean; readonly node: string; readonly isTls: boolean },
  lastError: Error | undefined,
): OpenclawError {
  const described = describeFailure(error, sent, lastError);
  const code = (lastError as NodeJS.ErrnoException | undefined)?.code ?? '';
  const message = described.message.includes(sent.node)
    ? described.message
    : `${sent.node}: ${described.message}`;
  const hint = hintFor(`${message} ${code}`, isTls) ?? described.hint;
  return new OpenclawError(described.code, message, { cause: error, hint });
}

function hintFor(text: string, isTls: boolean): string | undefined {
  if (/self[- ]signed|SELF_SIGNED|unable to (verify|get)|UNABLE_TO|CERT_/i.test(text))
    return 'name the authority with --ca <file>, or accept any certificate with --insecure';
  if (/altname/i.test(text))
    return 'use the name that the certificate is for, or accept any certificate with --insecure';
  // A server without TLS waits for the rest of what it takes for a command, or answers in its own protocol.
  if (isTls && /ETIMEDOUT|EPROTO|wrong version number/i.test(text))
    return 'check that Redis runs at this address; if it speaks no TLS there, use redis://';
  if (!isTls && /closed the connection|ECONNRESET|connection is closed/i.test(text))
    return 'if it speaks TLS there, use rediss://; else look into its log';
  return undefined;
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new OpenclawError(
      'INVALID_OPTION',
      `the file of the authority cannot be read: ${(error as Error).message}`,
      {
        hint: 'name a PEM file with --ca',
      },
    );
  }
}
