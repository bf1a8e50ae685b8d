import { parseRecord } from '../records/parse-record.ts';
import type { Part } from '../records/part.ts';
import { MAX_LINE_BYTES } from '../scan/lines.ts';

/** A running SHA-256, as `createHash('sha256')` of node:crypto gives it. */
export interface Hash {
  update(bytes: Uint8Array): unknown;
  digest(encoding: 'hex'): string;
}

/** What the bytes of a part's file show. */
export interface ScannedPart {
  /** The digest that its end record states; absent without one. */
  readonly digest?: string;
  /** Whether its bytes have another digest. */
  readonly isAltered: boolean;
}

const NEWLINE = 10;

/** Computes the digest of a part's file from chunks of bytes; a file that is no part is not hashed. */
export class PartScan {
  readonly #hash: Hash;
  /** The bytes that are not hashed yet: the last line, or the header. */
  #rest = new Uint8Array(0);
  #part: Part | undefined;
  /** Whether the file has a readable header; undefined until its first line ends. */
  #hasHeader: boolean | undefined;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  /** The part of the header; undefined for a file that is none, and until the header was read. */
  get part(): Part | undefined {
    return this.#part;
  }

  /** Whether the first line is a header; undefined until it was read. */
  get hasHeader(): boolean | undefined {
    return this.#hasHeader;
  }

  push(chunk: Uint8Array): void {
    if (this.#hasHeader !== undefined && this.#part === undefined) return;
    const bytes = joined(this.#rest, chunk);
    this.#rest = bytes;
    if (this.#hasHeader === undefined) {
      const end = bytes.indexOf(NEWLINE);
      if (end !== -1 || bytes.length > MAX_LINE_BYTES) this.#readHeader(bytes.subarray(0, Math.max(0, end)));
    }
    if (this.#part === undefined) return;
    const start = startOfLastLine(bytes);
    const hashed = bytes.length - start > MAX_LINE_BYTES ? bytes.length : start; // no record is as long
    this.#hash.update(bytes.subarray(0, hashed));
    this.#rest = bytes.slice(hashed);
  }

  end(): ScannedPart {
    if (this.#hasHeader === undefined) this.#readHeader(this.#rest);
    const end = this.#part === undefined ? undefined : recordIn(this.#rest);
    if (end?.type !== 'end' || end.digest === undefined) return { isAltered: false };
    return { digest: end.digest, isAltered: this.#hash.digest('hex') !== end.digest };
  }

  #readHeader(line: Uint8Array): void {
    const header = recordIn(line);
    this.#hasHeader = header?.type === 'header';
    if (header?.type === 'header') this.#part = header.part;
  }
}

/** The record of a line; undefined for a line without one. The reader of the history gives the reason. */
function recordIn(line: Uint8Array) {
  try {
    return parseRecord(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(line)));
  } catch {
    return undefined;
  }
}

/** Where the last line begins that has more than its newline. */
function startOfLastLine(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === NEWLINE) end--;
  return end === 0 ? 0 : bytes.lastIndexOf(NEWLINE, end - 1) + 1;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
