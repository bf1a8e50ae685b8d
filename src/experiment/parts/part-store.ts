import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { link, mkdir, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { quoted } from '../../core/printable.ts';
import type { Part } from '../../history/records/part.ts';

/** What the file of a part is found to be. */
export interface LookedAtPart {
  readonly part: Part;
  /** Of its last record; absent if it has no `end` record, or one that does not fit the rest. */
  readonly digest?: string;
}

export interface PartStoreOptions {
  readonly folder: string;
  /** The bearer token that senders must have; absent: none. */
  readonly token?: string;
  /** Reads a file; throws what is wrong with it. */
  readonly look: (file: string) => Promise<LookedAtPart>;
  readonly onReceived: (what: { readonly file: string; readonly part: Part }) => void;
  readonly mostBytes?: number;
}

/** The answer to a sender. */
export interface Receipt {
  readonly status: number;
  readonly error?: string;
  /** Where it is kept, below the folder of the store. */
  readonly file?: string;
}

/** The largest file that is taken. */
const MOST_BYTES = 4 * 1024 ** 3;

/** The names of a run and of a part: also those of a folder and a file. */
const RUN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const PART = /^([a-z][a-z0-9-]{0,30})(?::(\d{1,4})\/(\d{1,4}))?$/;

/** Keeps the files of parts, each written whole or not at all. */
export class PartStore {
  readonly #options: PartStoreOptions;
  /** Of two files of one part, one is first. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #receiving = new Set<Promise<Receipt>>();

  constructor(options: PartStoreOptions) {
    this.#options = options;
  }

  /** Takes the body of a request as the file of a part. */
  async receive(request: IncomingMessage, name: { run: string; part: string }): Promise<Receipt> {
    const receipt = this.#receive(request, name);
    this.#receiving.add(receipt);
    return receipt.finally(() => this.#receiving.delete(receipt));
  }

  /** Resolves once nothing is received any more: what was not kept is removed. */
  async idle(): Promise<void> {
    await Promise.all(this.#receiving);
  }

  /** Whether files of this sender are taken. */
  admit({ headers }: IncomingMessage): Receipt {
    if (this.#isAllowed(headers.authorization)) return { status: 200 };
    return { status: 401, error: 'the token of the sender is not that of this server: OPENCLAW_RL_TOKEN' };
  }

  async #receive(request: IncomingMessage, { run, part }: { run: string; part: string }): Promise<Receipt> {
    const admitted = this.admit(request);
    if (admitted.status !== 200) return admitted;
    if (!RUN.test(run) || !PART.test(part))
      return { status: 400, error: `no name of a run and of a part: ${quoted(`${run}/${part}`)}` };
    const [, digest] = /^sha-256=([A-Za-z0-9+/=]+)$/.exec(String(request.headers.digest)) ?? [];
    if (digest === undefined) return { status: 400, error: 'the header Digest must be sha-256=<base64>' };
    const { folder, mostBytes = MOST_BYTES } = this.#options;
    if (Number(request.headers['content-length']) > mostBytes) return tooLarge(mostBytes);
    const unfinished = join(folder, `.${randomBytes(8).toString('hex')}.unfinished`);
    try {
      const found = await write(request, unfinished, mostBytes);
      request.socket.setTimeout(0); // its sender waits while the file is read
      if (found.bytes > mostBytes) return tooLarge(mostBytes);
      if (found.digest !== digest)
        return { status: 400, error: 'the file has another digest: it was cut off' };
      const kept = this.#last.then(() => this.#keep(unfinished, { run, part, isGzip: found.isGzip }));
      this.#last = kept.catch(() => {});
      return await kept;
    } catch (error) {
      return { status: 500, error: error instanceof Error ? error.message : String(error) };
    } finally {
      await rm(unfinished, { force: true }).catch(() => {});
    }
  }

  async #keep(
    unfinished: string,
    { run, part: name, isGzip }: { run: string; part: string; isGzip: boolean },
  ): Promise<Receipt> {
    const { folder, look, onReceived } = this.#options;
    const looked = await look(unfinished).catch((error: Error) => error);
    if (looked instanceof Error) return { status: 422, error: `no file of a part: ${looked.message}` };
    const { part, digest } = looked;
    if (part.kind === 'control')
      return {
        status: 422,
        error: 'the file is a control part, which only the machine that started the run writes',
      };
    if (part.run !== run || part.name !== name)
      return { status: 422, error: `the file is part ${part.name} of run ${part.run}` };
    if (digest === undefined) return { status: 422, error: 'the file is not complete' };
    for (const ending of ENDINGS) {
      const file = fileOf(run, name) + ending;
      const known = await look(join(folder, file)).catch(() => undefined);
      if (known?.digest === digest) return { status: 200, file };
      if (known !== undefined) {
        await this.#keepDouble(unfinished, { run, part, isGzip });
        return { status: 409, error: `there is another file of this part: ${file}` };
      }
    }
    const file = fileOf(run, name) + endingOf(isGzip);
    await mkdir(join(folder, run), { recursive: true });
    try {
      await link(unfinished, join(folder, file));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return { status: 409, error: 'there is another file of this part, which cannot be read' };
    }
    onReceived({ file, part });
    return { status: 201, file };
  }

  /**
   * Of a part that two processes have sent: what one spent, the other was denied, so `check` must see both files. One more
   * is enough.
   */
  async #keepDouble(
    unfinished: string,
    { run, part, isGzip }: { run: string; part: Part; isGzip: boolean },
  ): Promise<void> {
    const file = `${fileOf(run, part.name)}.double${endingOf(isGzip)}`;
    const error = await link(unfinished, join(this.#options.folder, file)).catch((error: unknown) => error);
    if (error === undefined) this.#options.onReceived({ file, part });
    else if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }

  #isAllowed(authorization = ''): boolean {
    const { token } = this.#options;
    if (token === undefined) return true;
    const hash = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(hash(authorization), hash(`Bearer ${token}`));
  }
}

const ENDINGS = ['.ndjson', '.ndjson.gz'] as const;

function endingOf(isGzip: boolean): string {
  return ENDINGS[isGzip ? 1 : 0];
}

/** `eu-west`, or `eu-west.2-of-3`: no region has a dot in its name. */
function fileOf(run: string, part: string): string {
  const [, region = '', nth, of] = PART.exec(part) ?? [];
  return join(run, nth === undefined ? region : `${region}.${nth}-of-${of}`);
}

function tooLarge(mostBytes: number): Receipt {
  return { status: 413, error: `a file has at most ${mostBytes} bytes` };
}

/** Stops at the first byte beyond the limit. */
async function write(request: IncomingMessage, path: string, mostBytes: number) {
  const hash = createHash('sha256');
  let bytes = 0;
  let isGzip = false;
  await pipeline(
    request,
    async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        if (bytes === 0) isGzip = chunk[0] === 0x1f && chunk[1] === 0x8b;
        bytes += chunk.length;
        if (bytes > mostBytes) return;
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(path, { flags: 'wx' }),
  );
  return { bytes, isGzip, digest: hash.digest('base64') };
}
