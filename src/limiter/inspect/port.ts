import { performance } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import { OpenclawError } from '../../core/errors.ts';
import type { TlsOptions } from '../redis/connection.ts';
import { describeFailure } from '../redis/errors.ts';
import { connectorFrom } from '../redis/region-connector.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The reply of one command; an error reply is an Error. */
export type Reply = unknown;

/** The operations of Redis that an inspection uses. */
export interface InspectPort {
  /** Whether connections use TLS, for which clusters announce another port. */
  readonly isTls: boolean;
  /**
   * Sends these commands together on a new connection to one node, from the local address `from`. Returns a reply for
   * each, bytes for GET. Rejects with an OpenclawError without a connection, or if a reply is missing.
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
  readonly tls?: TlsOptions;
  /** Milliseconds for the connection, and again for the replies. Default 1000. */
  readonly timeoutMs?: number;
}

/** Connects with ioredis; sends only the commands, and AUTH if there is a password. */
export function connectInspector({
  username,
  password,
  tls,
  timeoutMs = 1_000,
}: InspectConnection): InspectPort {
  const isTls = tls !== undefined;
  return {
    isTls,
    async ask(to, commands, from) {
      const client = new Redis({
        ...to,
        ...(username && { username }),
        ...(password && { password }),
        ...(tls && { tls }),
        ...(from && { Connector: connectorFrom(from) }),
        protocol: 2,
        lazyConnect: true,
        enableReadyCheck: false,
        disableClientInfo: true,
        retryStrategy: null,
        maxRetriesPerRequest: 0,
        connectTimeout: timeoutMs,
        socketTimeout: timeoutMs,
        disconnectTimeout: 100, // a timer of ioredis keeps the process alive this long
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

/** Maps an error to the catalogue, with hints for the errors of manual connections. */
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
    return 'give the CA with --ca <file>, or accept any certificate with --insecure';
  if (/altname/i.test(text))
    return 'use the host name of the certificate, or accept any certificate with --insecure';
  // A server without TLS waits for the end of a supposed command, or replies in its own protocol.
  if (isTls && /ETIMEDOUT|EPROTO|wrong version number/i.test(text))
    return 'check that Redis runs at this address; if it runs without TLS, use redis://';
  if (!isTls && /closed the connection|ECONNRESET|connection is closed/i.test(text))
    return 'if the server expects TLS, use rediss://; otherwise check its log';
  return undefined;
}
