type Timed<T> = readonly [atUs: number, record: T];

interface Source<T> {
  queue: readonly Timed<T>[];
  /** The first of the queue that is not written. */
  next: number;
  upToUs: number;
}

/**
 * Puts the records of several sources into one order of time. A record is written once every source has said that its
 * later ones are not earlier. So what was written is complete up to its last record, also if a source ends by mistake.
 */
export class MergedRecords<T> {
  readonly #write: (record: T) => void;
  readonly #sources: readonly Source<T>[];

  constructor(sources: number, write: (record: T) => void) {
    this.#write = write;
    this.#sources = Array.from({ length: sources }, () => ({
      ...{ queue: [], next: 0, upToUs: Number.NEGATIVE_INFINITY },
    }));
  }

  /** Adds records of a source in their order; all later ones of it will be of `upToUs` or later. */
  add(source: number, upToUs: number, records: readonly Timed<T>[] = []): void {
    const from = this.#sources[source];
    if (from === undefined) return;
    from.queue = from.next === from.queue.length ? records : [...from.queue.slice(from.next), ...records];
    from.next = 0;
    from.upToUs = upToUs;
    this.#writeDue(Math.min(...this.#sources.map((each) => each.upToUs)));
  }

  /** A source has no more records. */
  end(source: number): void {
    this.add(source, Number.POSITIVE_INFINITY);
  }

  #writeDue(upToUs: number): void {
    for (;;) {
      let earliest: Source<T> | undefined;
      let atUs = upToUs;
      for (const source of this.#sources) {
        const head = source.queue[source.next];
        if (head === undefined || head[0] > atUs || (head[0] === atUs && earliest !== undefined)) continue;
        earliest = source;
        atUs = head[0];
      }
      const head = earliest?.queue[earliest.next];
      if (earliest === undefined || head === undefined) return;
      earliest.next++;
      this.#write(head[1]);
    }
  }
}
