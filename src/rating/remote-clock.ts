import { environmentFailed, type OpenclawError } from '../core/errors.ts';
import { quoted } from '../core/printable.ts';

const REPLY_MS = 2_000;

/**
 * Sets the clock offset of a Rating service, in milliseconds; `url` is the service's, or that of an instance of its
 * gateway. Throws ENVIRONMENT_FAILED if it does not reply, or was started without `--allow-clock-change`.
 */
export async function setServiceClock(url: string, offsetMs: number): Promise<void> {
  const reply = await fetch(`${url}/clock`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ offsetMs }),
    signal: AbortSignal.timeout(REPLY_MS),
  }).catch((error: Error) => {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    throw failed(url, `no reply: ${cause?.code ?? error.message}`, error);
  });
  if (!reply.ok) throw failed(url, `${reply.status} ${quoted(await reply.text().catch(() => ''))}`);
}

const READINGS = 4;

/**
 * How far the clock of a Rating service is ahead of this machine's, in milliseconds, by the fastest of four readings.
 * Rejects without an answer.
 */
export async function readServiceClock(url: string): Promise<number> {
  const readings: { readonly tookMs: number; readonly aheadMs: number }[] = [];
  for (let at = 0; at < READINGS; at++) readings.push(await readOnce(url));
  const [best] = readings.sort((a, b) => a.tookMs - b.tookMs);
  return best?.aheadMs ?? 0;
}

async function readOnce(url: string) {
  const sentMs = Date.now();
  const reply = await fetch(`${url}/clock`, { signal: AbortSignal.timeout(REPLY_MS) });
  const { nowMs } = (await reply.json()) as { nowMs?: unknown };
  const tookMs = Date.now() - sentMs;
  if (typeof nowMs !== 'number')
    throw environmentFailed(`the service at ${url} does not tell its time: ${quoted(nowMs)}`);
  return { tookMs, aheadMs: nowMs - (sentMs + tookMs / 2) };
}

/**
 * The id of the process of a Rating service, behind a gateway; undefined if that gets no answer. Throws ENVIRONMENT_FAILED
 * if the gateway does not answer.
 */
export async function readServiceProcess(url: string): Promise<string | undefined> {
  const reply = await fetch(`${url}/clock`, { signal: AbortSignal.timeout(REPLY_MS) }).catch(
    (error: Error) => {
      throw environmentFailed(`no reply from ${url}: ${error.message}`, undefined, error);
    },
  );
  const { process } = (await reply.json()) as { process?: unknown };
  return typeof process === 'string' ? process : undefined;
}

function failed(url: string, why: string, cause?: unknown): OpenclawError {
  return environmentFailed(
    `the clock of the service at ${url} cannot be set: ${why}`,
    'start it with: openclaw-rl serve rating --allow-clock-change',
    cause,
  );
}
