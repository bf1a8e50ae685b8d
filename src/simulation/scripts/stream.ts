/** An entry of a stream: its id, and field, value, field, value. */
export interface StreamEntry {
  readonly ms: number;
  readonly seq: number;
  readonly fields: readonly string[];
}

export type StreamId = Pick<StreamEntry, 'ms' | 'seq'>;

/** What Redis keeps in one listpack: it is trimmed as a whole where a trim may be inexact. */
interface Node {
  /** The entry that was put into it first, also once it is gone: the others are written by their difference from it. */
  readonly first: StreamEntry;
  readonly entries: StreamEntry[];
  /** Entries that were put into it. */
  total: number;
  /** Of its listpack. */
  bytes: number;
}

/** The defaults of stream-node-max-entries and stream-node-max-bytes. */
const NODE_ENTRIES = 100;
const NODE_BYTES = 4096;

/** An inexact trim removes no more at once. */
const MOST_TRIMMED = 100 * NODE_ENTRIES;

/** A stream with the nodes that Redis would have, so that `MAXLEN ~` leaves the same entries. */
export class Stream {
  #nodes: Node[] = [];
  #length = 0;
  last: StreamId = { ms: 0, seq: 0 };

  get length(): number {
    return this.#length;
  }

  copy(): Stream {
    const copy = new Stream();
    copy.#nodes = this.#nodes.map((node) => ({ ...node, entries: [...node.entries] }));
    copy.#length = this.#length;
    copy.last = this.last;
    return copy;
  }

  /** Its id must be higher than `last`. */
  append(entry: StreamEntry): void {
    let node = this.#nodes.at(-1);
    const given = entry.fields.reduce((sum, text) => sum + text.length, 0);
    if (node === undefined || node.bytes + given >= NODE_BYTES || node.total >= NODE_ENTRIES) {
      node = { first: entry, entries: [], total: 0, bytes: headBytes(entry) };
      this.#nodes.push(node);
    }
    node.bytes += entryBytes(entry, node.first);
    node.entries.push(entry);
    node.total++;
    this.last = { ms: entry.ms, seq: entry.seq };
    this.#length++;
  }

  /** Removes the first nodes as long as `most` entries are left, as `MAXLEN ~` does. */
  trimNodes(most: number): void {
    let trimmed = 0;
    while (this.#length > most) {
      const entries = this.#nodes[0]?.entries.length ?? 0;
      if (this.#length - entries < most || trimmed + entries > MOST_TRIMMED) return;
      this.#nodes.shift();
      this.#length -= entries;
      trimmed += entries;
    }
  }

  /** Removes the first entries until no more than `most` are left. */
  trim(most: number): void {
    while (this.#length > most) {
      const [node] = this.#nodes;
      if (node === undefined) return;
      const surplus = this.#length - most;
      if (node.entries.length <= surplus) this.#nodes.shift();
      this.#length -= node.entries.splice(0, surplus).length;
    }
  }

  all(): readonly StreamEntry[] {
    return this.#nodes.flatMap(({ entries }) => entries);
  }

  /** At most `count` entries whose ids are from `from` to `to`, the latest first if `isReversed`. */
  range(from: StreamId, to: StreamId, count: number, isReversed = false): StreamEntry[] {
    const found: StreamEntry[] = [];
    const { length } = this.#nodes;
    for (let i = 0; i < length && found.length < count; i++) {
      const { entries } = this.#nodes[isReversed ? length - 1 - i : i] as Node;
      const [first, last] = [entries[0] as StreamEntry, entries.at(-1) as StreamEntry];
      if (isBefore(last, from) || isBefore(to, first)) continue;
      for (const entry of isReversed ? entries.toReversed() : entries) {
        if (found.length === count) break;
        if (!isBefore(entry, from) && !isBefore(to, entry)) found.push(entry);
      }
    }
    return found;
  }
}

export function isBefore(one: StreamId, other: StreamId): boolean {
  return one.ms < other.ms || (one.ms === other.ms && one.seq < other.seq);
}

/** A listpack's head and end, and its first entry: how many, how many deleted, and the fields of the first. */
function headBytes({ fields }: StreamEntry): number {
  const count = fields.length / 2;
  let bytes = 6 + 1 + 2 + 2 + elementBytes(String(count)) + 2;
  for (let i = 0; i < fields.length; i += 2) bytes += elementBytes(fields[i] as string);
  return bytes;
}

/** Flags, the id's distance from that of the node's first, fields unless they are those of the first, values, and a count. */
function entryBytes(entry: StreamEntry, first: StreamEntry): number {
  const { fields } = entry;
  const isAlike =
    fields.length === first.fields.length &&
    fields.every((text, i) => i % 2 === 1 || text === first.fields[i]);
  const count = fields.length / 2;
  let bytes = 2 + elementBytes(String(entry.ms - first.ms)) + elementBytes(String(entry.seq - first.seq));
  if (!isAlike) bytes += elementBytes(String(count));
  for (let i = isAlike ? 1 : 0; i < fields.length; i += isAlike ? 2 : 1)
    bytes += elementBytes(fields[i] as string);
  return bytes + elementBytes(String(isAlike ? count + 3 : 2 * count + 4));
}

/** Bytes of one element of a listpack: a number in as few as it needs, or text; then its length, to be read backwards. */
function elementBytes(text: string): number {
  const bytes = numberBytes(text) ?? textBytes(text.length);
  return bytes + (bytes <= 127 ? 1 : bytes < 16_383 ? 2 : bytes < 2_097_151 ? 3 : 4);
}

function textBytes(length: number): number {
  return length + (length < 64 ? 1 : length < 4096 ? 2 : 5);
}

function numberBytes(text: string): number | undefined {
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  if (value >= 0n && value < 128n) return 1;
  for (const [bits, bytes] of NUMBERS) if (BigInt.asIntN(bits, value) === value) return bytes;
  return undefined;
}

const NUMBERS = [
  [13, 2],
  [16, 3],
  [24, 4],
  [32, 5],
  [64, 9],
] as const;
