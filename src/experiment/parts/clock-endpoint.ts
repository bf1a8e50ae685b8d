import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { environmentFailed, type OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import { monotonicUs } from '../../load/monotonic.ts';
import type { ClockAnswer } from './clock-server.ts';
import { loginOf } from './send-part.ts';

/** A question to the clock endpoint, sent and answered at these times of this machine. */
export interface Ping extends ClockAnswer {
  /** So that the answer, which is rounded down, was true between the two. */
  readonly sentUs: number;
  readonly answeredUs: number;
}

/** The clock that `serve clock` serves, asked over one connection that stays open. */
export class ClockEndpoint {
  readonly url: string;
  readonly #agent;
  readonly #request;

  /** `url` has no path. */
  constructor(url: string) {
    this.url = url;
    const { Agent, request } = url.startsWith('https:') ? https : http;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
    this.#request = request;
  }

  /** Rejects without a proper answer. */
  async ask(timeoutMs: number, signal?: AbortSignal): Promise<Ping> {
    const limit = AbortSignal.timeout(timeoutMs);
    const sentUs = Math.floor(monotonicUs()) - 1;
    const request = this.#request(`${this.url}/clock`, {
      agent: this.#agent,
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const answeredUs = Math.ceil(monotonicUs()); // its body was made before its head was sent
    return { sentUs, answeredUs, ...readAnswer(await textOf(response)) };
  }

  /** Says that this sender sends a part now. Gives why not, if another one does; rejects without an answer. */
  async start(
    { run, name }: { readonly run: string; readonly name: string },
    {
      sender,
      token,
      timeoutMs,
    }: { readonly sender: string; readonly token?: string; readonly timeoutMs: number },
  ): Promise<string | undefined> {
    const path = `/started/${encodeURIComponent(run)}/${encodeURIComponent(name)}`;
    const request = this.#request(`${this.url}${path}`, {
      method: 'PUT',
      headers: { from: sender, 'content-length': 0, ...loginOf(token) },
      signal: AbortSignal.timeout(timeoutMs),
    });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const { error } = JSON.parse(await textOf(response));
    return response.statusCode === 409 && typeof error === 'string' ? error : undefined;
  }

  /** Asks until there is an answer. Throws ENVIRONMENT_FAILED after this time, or at once for another program's answer. */
  async askFirst(withinMs: number, signal: AbortSignal): Promise<Ping> {
    const untilMs = performance.now() + withinMs;
    for (;;) {
      const leftMs = Math.max(1, Math.ceil(untilMs - performance.now()));
      const asked = await this.ask(leftMs, signal).catch((error: Error) => error);
      if (!(asked instanceof Error)) return asked;
      if (asked instanceof NoClock || performance.now() >= untilMs || signal.aborted)
        throw this.#away(asked, withinMs);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #away(error: Error, withinMs: number): OpenclawError {
    const { code = error.message } = error as NodeJS.ErrnoException;
    const why = code === 'ABORT_ERR' ? `not within ${withinMs / 1_000} s` : code;
    return environmentFailed(
      `the clock at ${printable(this.url)} does not answer: ${printable(why)}`,
      'start it there, on an address that this machine reaches: openclaw-rl serve clock --host <address>',
      error,
    );
  }
}

const AGAIN_MS = 250;

/** What answers is another program. */
class NoClock extends Error {}

const MOST_CHARACTERS = 1_000;
/** Half of what a date can have, so that a day more is a date, too. */
const MOST_WALL_MS = 4e15;

async function textOf(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response as AsyncIterable<string>) {
    text += chunk;
    if (text.length > MOST_CHARACTERS) throw new NoClock('it is no clock of `serve clock`');
  }
  return text;
}

function readAnswer(text: string): ClockAnswer {
  try {
    const { machine, us, wallMs } = JSON.parse(text);
    if (
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(machine) &&
      Number.isSafeInteger(us) &&
      Math.abs(wallMs) <= MOST_WALL_MS
    )
      return { machine, us, wallMs };
  } catch {}
  throw new NoClock('it is no clock of `serve clock`');
}
