import { Chain } from '../../core/chain.ts';
import { NOT_PLANNED, type Planned } from '../planned.ts';
import type { VirtualTime } from '../virtual-time.ts';
import type { SentCommand } from './sent-command.ts';

/**
 * The commands of one port that are open, in the order of their deadlines: all of them have the same time. A timer for each
 * would cost more than its network; a command that is over is forgotten at once. It happens when the first is late.
 */
export class Deadlines implements Planned {
  order = NOT_PLANNED;
  readonly #time: VirtualTime;
  readonly #open = new Chain<SentCommand>();

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  add(command: SentCommand): void {
    this.#open.add(command);
    if (this.order === NOT_PLANNED) this.#time.plan(this, command.deadlineMs * 1_000);
  }

  remove(command: SentCommand): void {
    this.#open.remove(command);
  }

  happen(): void {
    for (let next = this.#open.first; next !== undefined; next = this.#open.first) {
      const dueUs = next.deadlineMs * 1_000;
      if (dueUs > this.#time.nowUs) {
        this.#time.plan(this, dueUs);
        return;
      }
      next.refuse(new Error('Command timed out')); // which removes it
    }
  }
}
