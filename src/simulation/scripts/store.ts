import { Stream, type StreamEntry } from './stream.ts';

/** The values of keys. Strings are bytes, each as one character. */
export interface ValueOf {
  string: string;
  hash: Map<string, string>;
  stream: Stream;
}

/**
 * What a key has. An entry and its text never change, so that stores share them. A hash or stream is changed by the store
 * that owns it only.
 */
export type Entry = {
  readonly [T in keyof ValueOf]: {
    readonly type: T;
    readonly value: ValueOf[T];
    readonly expireAtMs: number;
  };
}[keyof ValueOf];

/** One write, as a primary sends it to its replicas: its times are absolute, and it leaves nothing to decide. */
export type Effect =
  | { readonly type: 'set'; readonly key: string; readonly value: string; readonly expireAtMs: number }
  | { readonly type: 'expire'; readonly key: string; readonly expireAtMs: number }
  | { readonly type: 'delete'; readonly key: string }
  | {
      readonly type: 'set-fields';
      readonly key: string;
      readonly fields: readonly (readonly [string, string])[];
    }
  | { readonly type: 'delete-fields'; readonly key: string; readonly fields: readonly string[] }
  | { readonly type: 'append'; readonly key: string; readonly entry: StreamEntry; readonly length: number };

/** The expiry of a key that has none. */
export const NEVER = Number.POSITIVE_INFINITY;

/** By whose clock a key is judged, and whether that node may delete it. */
export interface Judge {
  readonly nowMs: number;
  readonly isReplica: boolean;
}

/**
 * The keys of one node. An expiry is a time of the clock of the primary that wrote it, and is judged by the clock of the
 * node that is asked, as Redis does: a key is over in the millisecond after it. A primary deletes such a key when it is
 * asked for it, and orders its replicas to; a replica hides it, and deletes it on order only.
 */
export class Store {
  #entries = new Map<string, Entry>();
  #effects: Effect[] = [];
  /** Fields and streams that no other store has. */
  #own = new WeakSet<object>();
  #next: IterableIterator<[string, Entry]> | undefined;

  get size(): number {
    return this.#entries.size;
  }

  /** The entry of a key that is there and not over. */
  find(key: string, { nowMs, isReplica }: Judge): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || nowMs <= entry.expireAtMs) return entry;
    if (!isReplica) this.write({ type: 'delete', key });
    return undefined;
  }

  /** Writes, and keeps the effect for the replicas. */
  write(effect: Effect): void {
    this.apply(effect);
    this.#effects.push(effect);
  }

  /** Adds to a stream, which then keeps at least `most` entries: as few as `MAXLEN ~` leaves, or `=` if it is exact. */
  append(key: string, entry: StreamEntry, most: number, isExact: boolean): void {
    const stream = this.#stream(key);
    stream.append(entry);
    if (isExact) stream.trim(most);
    else stream.trimNodes(most);
    this.#effects.push({ type: 'append', key, entry, length: stream.length });
  }

  /** What was written since the last call, in its order. */
  takeEffects(): readonly Effect[] {
    const effects = this.#effects;
    if (effects.length > 0) this.#effects = [];
    return effects;
  }

  /** Does what a primary ordered, whether or not a key is over by the clock here. */
  apply(effect: Effect): void {
    const { key } = effect;
    switch (effect.type) {
      case 'set':
        this.#entries.set(key, { type: 'string', value: effect.value, expireAtMs: effect.expireAtMs });
        return;
      case 'delete':
        this.#entries.delete(key);
        return;
      case 'expire': {
        const entry = this.#entries.get(key);
        if (entry !== undefined) this.#entries.set(key, { ...entry, expireAtMs: effect.expireAtMs });
        return;
      }
      case 'set-fields': {
        const fields = this.#hash(key);
        for (const [name, value] of effect.fields) fields.set(name, value);
        return;
      }
      case 'delete-fields': {
        const fields = this.#hash(key);
        for (const name of effect.fields) fields.delete(name);
        if (fields.size === 0) this.#entries.delete(key);
        return;
      }
      case 'append': {
        const stream = this.#stream(key);
        stream.append(effect.entry);
        stream.trim(effect.length);
      }
    }
  }

  /**
   * Looks at the next `most` keys and deletes those that are over, as a primary does ten times a second. The rest follows
   * with the next calls.
   */
  deleteExpired(nowMs: number, most: number): void {
    for (let i = 0; i < most; i++) {
      this.#next ??= this.#entries.entries();
      const { done, value } = this.#next.next();
      if (done === true) {
        this.#next = undefined;
        return;
      }
      if (nowMs > value[1].expireAtMs) this.write({ type: 'delete', key: value[0] });
    }
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** The writes that make some of these keys in another store, also of those that are over. */
  writesOf(isMeant: (key: string) => boolean): Effect[] {
    return [...this.#entries].flatMap(([key, entry]) => (isMeant(key) ? writesOf(key, entry) : []));
  }

  /** Another store with the same keys, for a replica. */
  copy(): Store {
    const copy = new Store();
    copy.#entries = new Map(this.#entries);
    this.#own = new WeakSet();
    return copy;
  }

  /** Empties it, without an effect: what was not taken is gone too. */
  clear(): void {
    this.#entries.clear();
    this.#effects = [];
    this.#next = undefined;
  }

  /** All keys in the order of their names, with those that are over, for tests. */
  dump(): { readonly key: string; readonly value: unknown; readonly expireAtMs: number }[] {
    return [...this.#entries]
      .map(([key, entry]) => ({ key, value: plain(entry), expireAtMs: entry.expireAtMs }))
      .sort((one, other) => (one.key < other.key ? -1 : 1));
  }

  #hash(key: string): Map<string, string> {
    const entry = this.#entries.get(key);
    if (entry?.type === 'hash' && this.#own.has(entry.value)) return entry.value;
    const value = new Map(entry?.type === 'hash' ? entry.value : undefined);
    this.#own.add(value);
    this.#entries.set(key, { type: 'hash', value, expireAtMs: entry?.expireAtMs ?? NEVER });
    return value;
  }

  #stream(key: string): Stream {
    const entry = this.#entries.get(key);
    if (entry?.type === 'stream' && this.#own.has(entry.value)) return entry.value;
    const value = entry?.type === 'stream' ? entry.value.copy() : new Stream();
    this.#own.add(value);
    this.#entries.set(key, { type: 'stream', value, expireAtMs: entry?.expireAtMs ?? NEVER });
    return value;
  }
}

function writesOf(key: string, { type, value, expireAtMs }: Entry): Effect[] {
  if (type === 'string') return [{ type: 'set', key, value, expireAtMs }];
  const made: Effect[] =
    type === 'hash'
      ? [{ type: 'set-fields', key, fields: [...value] }]
      : value.all().map((entry, at) => ({ type: 'append', key, entry, length: at + 1 }));
  return expireAtMs === NEVER ? made : [...made, { type: 'expire', key, expireAtMs }];
}

function plain(entry: Entry): unknown {
  if (entry.type === 'hash') return [...entry.value];
  return entry.type === 'stream' ? entry.value.all() : entry.value;
}
