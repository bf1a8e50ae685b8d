import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentFailed, OpenclawError } from '../../core/errors.ts';
import { printable } from '../../core/printable.ts';
import type { Part } from '../../history/records/part.ts';

export interface SentPart {
  readonly file: string;
  readonly part: Pick<Part, 'run' | 'name'>;
  /** Of the clock endpoint. */
  readonly url: string;
  readonly token?: string;
}

/** How long it is tried, and how long between two tries. */
const TRY_MS = 60_000;
const AGAIN_MS = 1_000;
/** How long an answer is waited for before the load. */
const ASK_MS = 5_000;
/** A connection on which nothing moves for so long is given up while the file is sent, */
const SILENT_MS = 10_000;
/** and afterwards: the server reads all of the file before it answers, and other files before it. */
const ANSWER_MS = 600_000;

/**
 * Sends the file of a part to the clock endpoint, again for a minute if it is away. Gives where it is kept. Throws
 * ENVIRONMENT_FAILED if it is not accepted, and INTERRUPTED.
 */
export async function sendPart(
  sent: SentPart,
  signal: AbortSignal,
  { tryMs = TRY_MS, silentMs = SILENT_MS } = {},
): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(sent.file), digest);
  const headers = {
    digest: `sha-256=${digest.digest('base64')}`,
    'content-length': (await stat(sent.file)).size,
    ...loginOf(sent.token),
  };
  let untilMs: number | undefined; // from the first failure on: a large file takes long
  for (;;) {
    const answer = await putOnce(sent, { headers, signal, silentMs }).catch((error: Error) => error);
    if (signal.aborted)
      throw new OpenclawError('INTERRUPTED', `interrupted before ${sent.file} was accepted`, {
        hint: 'its part is complete: copy it to the machine where `check` runs',
      });
    if (!(answer instanceof Error) && answer.status < 300) return answer.file ?? '';
    untilMs ??= performance.now() + tryMs;
    if (performance.now() >= untilMs || isFinal(answer)) throw refused(sent, answer);
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => {});
  }
}

/**
 * Asks the clock endpoint, before the load, whether it takes the files of this sender. Throws ENVIRONMENT_FAILED if not;
 * without an answer, or one of an error of the server, nothing: the file is sent again for a minute.
 */
export async function checkTaken(
  { url, token }: Pick<SentPart, 'url' | 'token'>,
  signal: AbortSignal,
): Promise<void> {
  const { request } = url.startsWith('https:') ? https : http;
  const headers = loginOf(token);
  const asked = request(`${url}/parts/`, {
    headers,
    signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]),
  });
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
  asked.end();
  const answer = await readAnswer(answered).catch((error: Error) => error);
  if (answer instanceof Error || !isFinal(answer)) return;
  throw environmentFailed(
    `${printable(url)} does not take the file of this part: ${whyText(answer)}`,
    [wayOut(answer, token), 'or use --out without --send, and copy the file'].filter(Boolean).join('; '),
  );
}

/** The header of a sender. */
export function loginOf(token: string | undefined): { authorization?: string } {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

interface Answer {
  readonly status: number;
  readonly error?: string;
  readonly file?: string;
}

async function putOnce(
  { file, part, url }: SentPart,
  {
    headers,
    signal,
    silentMs,
  }: {
    readonly headers: http.OutgoingHttpHeaders;
    readonly signal: AbortSignal;
    readonly silentMs: number;
  },
): Promise<Answer> {
  const { request } = url.startsWith('https:') ? https : http;
  const path = `/parts/${encodeURIComponent(part.run)}/${encodeURIComponent(part.name)}`;
  const put = request(`${url}${path}`, { method: 'PUT', headers, signal, timeout: silentMs });
  put.on('timeout', () => put.destroy(new Error(`nothing moved for ${silentMs / 1_000} s`)));
  put.on('finish', () => put.setTimeout(ANSWER_MS));
  const answered = once(put, 'response');
  const written = pipeline(createReadStream(file), put);
  written.catch(() => {}); // a refusal may come before the end of the file
  return readAnswer(answered as Promise<[IncomingMessage]>);
}

async function readAnswer(answered: Promise<[IncomingMessage]>): Promise<Answer> {
  const [response] = await answered;
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response as AsyncIterable<string>) text = (text + chunk).slice(0, 2_000);
  return { ...parse(text), status: response.statusCode ?? 0 };
}

function parse(text: string): Omit<Answer, 'status'> {
  try {
    const { error, file } = JSON.parse(text);
    return { ...(typeof error === 'string' && { error }), ...(typeof file === 'string' && { file }) };
  } catch {
    return {};
  }
}

/** The same file would be refused again. */
function isFinal(answer: Answer | Error): boolean {
  return !(answer instanceof Error) && answer.status >= 400 && answer.status < 500;
}

function refused({ file, part, url, token }: SentPart, answer: Answer | Error): OpenclawError {
  const kept = `it is in ${printable(file)}: copy it to the machine where \`check\` runs`;
  if (!(answer instanceof Error) && answer.status === 409)
    return environmentFailed(
      `${printable(url)} did not accept part ${part.name}: ${whyText(answer)}`,
      `this one, ${printable(file)}, is of a part that was sent twice, so nothing is proved by the run: start each part once, and run all parts again`,
    );
  const why =
    answer instanceof Error
      ? printable((answer as NodeJS.ErrnoException).code ?? answer.message)
      : whyText(answer);
  return environmentFailed(
    `${printable(url)} did not accept part ${part.name}: ${why}`,
    answer instanceof Error ? kept : [kept, wayOut(answer, token)].filter(Boolean).join('; next time '),
    answer instanceof Error ? answer : undefined,
  );
}

function whyText({ status, error = '' }: Answer): string {
  return printable(`${status} ${error}`).trim();
}

/** What to do so that the file is accepted; none for a file that is refused for what it is. */
function wayOut({ status }: Answer, token: string | undefined): string | undefined {
  if (status === 401)
    return token === undefined
      ? 'set OPENCLAW_RL_TOKEN to the token of `serve clock`'
      : 'set OPENCLAW_RL_TOKEN to the same token here and for `serve clock`';
  if (status === 403 || status === 404)
    return 'start that clock with --parts: openclaw-rl serve clock --parts <folder>';
  return undefined;
}
