import { Client, type Dispatcher } from 'undici';

/** A complete reply, with the wanted headers. */
export interface ForwardedReply {
  readonly status: number;
  /** Name, value, name, value. */
  readonly headers: string[];
  /** Its bytes as latin1 text, so that head and body leave in one write; half of a gateway's time is writing. */
  readonly body: string;
}

export interface UpstreamOptions {
  /** The most requests in flight; others wait in order. */
  readonly connections: number;
  readonly client: Client.Options;
  readonly wantedHeaders: ReadonlySet<string>;
}

interface Waiting {
  readonly request: Dispatcher.DispatchOptions;
  resolve(reply: ForwardedReply): void;
  reject(error: Error): void;
}

/**
 * The connections to one service, each with one request in flight. It keeps undici's clients on its own stack, since
 * undici's pool searches all its clients for each request. It uses `dispatch`, since `request` costs a stream for each
 * reply.
 */
export class Upstream {
  readonly #origin: string;
  readonly #options: UpstreamOptions;
  readonly #clients: Client[] = [];
  readonly #idle: Client[] = [];
  readonly #waiting: Waiting[] = [];

  constructor(origin: string, options: UpstreamOptions) {
    this.#origin = origin;
    this.#options = options;
  }

  /** Sends one request once, and reads the complete reply. Rejects with undici's error. */
  forward(request: Dispatcher.DispatchOptions): Promise<ForwardedReply> {
    return new Promise((resolve, reject) => {
      const waiting = { request, resolve, reject };
      const client = this.#idle.pop() ?? this.#open();
      if (client === undefined) this.#waiting.push(waiting);
      else this.#dispatch(client, waiting);
    });
  }

  async destroy(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.destroy()));
  }

  #open(): Client | undefined {
    if (this.#clients.length === this.#options.connections) return undefined;
    const client = new Client(this.#origin, this.#options.client);
    this.#clients.push(client);
    return client;
  }

  #dispatch(client: Client, { request, resolve, reject }: Waiting): void {
    let status = 0;
    let headers: string[] = [];
    let body = '';
    client.dispatch(request, {
      onConnect() {},
      onHeaders: (statusCode, rawHeaders) => {
        status = statusCode; // an interim reply (1xx) comes first and is overwritten
        headers = pickHeaders(rawHeaders, this.#options.wantedHeaders);
        return true;
      },
      onData(chunk) {
        body += chunk.toString('latin1');
        return true;
      },
      onComplete: () => {
        this.#release(client);
        resolve({ status, headers, body });
      },
      onError: (error) => {
        this.#release(client);
        reject(error);
      },
    });
  }

  #release(client: Client): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(client);
    else this.#dispatch(client, next);
  }
}

/** Raw headers are name, value, name, value; latin1 keeps the bytes. */
function pickHeaders(raw: readonly Buffer[], wanted: ReadonlySet<string>): string[] {
  const picked: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = textOf(raw[i]).toLowerCase();
    if (wanted.has(name)) picked.push(name, textOf(raw[i + 1]));
  }
  return picked;
}

function textOf(bytes: Buffer | undefined): string {
  return bytes?.toString('latin1') ?? '';
}
