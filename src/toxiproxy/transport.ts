import { OpenclawError } from '../core/errors.ts';

interface Request {
  readonly method: string;
  readonly url: string;
  readonly body?: unknown;
}

/**
 * How toxiproxy-node-client talks to a server, with what its own way lacks: a limit on the time of every
 * call, and the server's own words in the error.
 * Rejects with TOXIPROXY_TIMEOUT, TOXIPROXY_UNREACHABLE or TOXIPROXY_REFUSED.
 */
export class Transport {
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  async get<T>(url: string): Promise<{ data: T }> {
    return this.#json({ method: 'GET', url });
  }

  async post<T>(url: string, body?: unknown): Promise<{ data: T }> {
    return this.#json({ method: 'POST', url, body });
  }

  async delete(url: string): Promise<void> {
    await this.#send({ method: 'DELETE', url });
  }

  async getText(url: string): Promise<string> {
    return this.#send({ method: 'GET', url });
  }

  async #json<T>(request: Request): Promise<{ data: T }> {
    const text = await this.#send(request);
    try {
      return { data: (text === '' ? undefined : JSON.parse(text)) as T };
    } catch {
      throw new OpenclawError('TOXIPROXY_REFUSED', `${describe(request)} was not answered in JSON`);
    }
  }

  async #send(request: Request): Promise<string> {
    const { method, url, body } = request;
    let response: Response;
    let text: string;
    const limit = new AbortController();
    // Not AbortSignal.timeout, which keeps no program alive: Node's fetch may wait for nothing where a connection was
    // closed as soon as it was accepted, as Docker does for a port that nobody listens on yet.
    const timer = setTimeout(
      () => limit.abort(new DOMException('too late', 'TimeoutError')),
      this.#timeoutMs,
    );
    try {
      response = await fetch(url, {
        method,
        signal: limit.signal,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      text = await response.text();
    } catch (error) {
      throw this.#failure(request, error);
    } finally {
      clearTimeout(timer);
    }
    if (response.ok) return text;
    throw new OpenclawError(
      'TOXIPROXY_REFUSED',
      `${describe(request)} was refused with ${response.status}: ${wordsOf(text)}`,
    );
  }

  #failure(request: Request, error: unknown): OpenclawError {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    if (name === 'TimeoutError') {
      const seconds = this.#timeoutMs / 1_000;
      return new OpenclawError(
        'TOXIPROXY_TIMEOUT',
        `${describe(request)} was not answered within ${seconds} s`,
      );
    }
    const reason = cause?.code ?? String(error);
    return new OpenclawError('TOXIPROXY_UNREACHABLE', `${describe(request)} failed: ${reason}`, {
      cause: error,
    });
  }
}

function describe({ method, url }: Request): string {
  return `${method} ${url}`;
}

/** The `error` of the server's JSON, or whatever it said. */
function wordsOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string') return error;
  } catch {
    // not JSON, so it is text
  }
  return text.trim().slice(0, 200);
}
