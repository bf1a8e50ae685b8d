import { OpenclawError } from '../core/errors.ts';

interface Request {
  readonly method: string;
  readonly url: string;
  readonly body?: unknown;
}

/**
 * The HTTP layer of toxiproxy-node-client, replaced by one with a timeout per call and the server's message in errors.
 * Rejects with TOXIPROXY_TIMEOUT, TOXIPROXY_UNREACHABLE or TOXIPROXY_REFUSED, whose cause has the `status`.
 */
export class Transport {
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  // Own properties, since they are assigned over those of the package's client.
  readonly get = <T>(url: string): Promise<{ data: T }> => this.#json({ method: 'GET', url });
  readonly post = <T>(url: string, body?: unknown): Promise<{ data: T }> =>
    this.#json({ method: 'POST', url, body });
  readonly delete = (url: string): Promise<unknown> => this.#send({ method: 'DELETE', url });
  readonly getText = (url: string): Promise<string> => this.#send({ method: 'GET', url });

  async #json<T>(request: Request): Promise<{ data: T }> {
    const text = await this.#send(request);
    try {
      return { data: (text === '' ? undefined : JSON.parse(text)) as T };
    } catch {
      throw new OpenclawError('TOXIPROXY_REFUSED', `the reply to ${describe(request)} is not JSON`);
    }
  }

  async #send(request: Request): Promise<string> {
    const { method, url, body } = request;
    let response: Response;
    let text: string;
    const limit = new AbortController();
    // Not AbortSignal.timeout, which does not keep the program alive. Node's fetch may never settle if a connection is
    // closed as soon as it is accepted, as Docker does for a published port without a listener.
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
      `${describe(request)} was refused with ${response.status}: ${readWords(text)}`,
      { cause: { status: response.status } },
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

/** The `error` member of the server's JSON, else the first 200 characters of its text. */
function readWords(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === 'string') return error;
  } catch {
    // plain text
  }
  return text.trim().slice(0, 200);
}
