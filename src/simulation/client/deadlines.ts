import type { Timer } from '../../core/time.ts';
import type { VirtualTime } from '../virtual-time.ts';
import type { SentCommand } from './sent-command.ts';

/** An open command, between those that were sent before and after it. */
export interface Entry {
  readonly command: SentCommand;
  before: Entry | undefined;
  after: Entry | undefined;
}

/**
 * The commands of one port that are open, in the order of their deadlines: all of them have the same time. A timer for each
 * would cost more than its network; a command that is over is forgotten at once.
 */
export class Deadlines {
  readonly #time: VirtualTime;
  #first: Entry | undefined;
  #last: Entry | undefined;
  #timer: Timer | undefined;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  add(command: SentCommand): Entry {
    const entry: Entry = { command, before: this.#last, after: undefined };
    if (this.#last === undefined) this.#first = entry;
    else this.#last.after = entry;
    this.#last = entry;
    this.#timer ??= this.#time.at(command.deadlineMs * 1_000, this.#late);
    return entry;
  }

  remove({ before, after }: Entry): void {
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
  }

  readonly #late = (): void => {
    this.#timer = undefined;
    for (let next = this.#first; next !== undefined; next = this.#first) {
      const { command } = next;
      const dueUs = command.deadlineMs * 1_000;
      if (dueUs > this.#time.nowUs) {
        this.#timer = this.#time.at(dueUs, this.#late);
        return;
      }
      command.refuse(new Error('Command timed out')); // which removes it
    }
  };
}
