import type { PluginDecision } from '../plugin.ts';
import type { Message } from './messages.ts';

interface Waiting {
  resolve(decision: PluginDecision): void;
  reject(error: Error): void;
}

/** The takes that a program has been asked for and has not answered, by their ids. */
export class Takes {
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #ended: Error | undefined;

  /** Asks with a new id; the result is the answer to it. */
  add(ask: (id: number) => void): Promise<PluginDecision> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      ask(id);
    });
  }

  /** Whether the message answers a take that waits. Its decision is checked by those who asked. */
  settle(message: Message): boolean {
    const { id, error, charge } = message;
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return false;
    this.#waiting.delete(id);
    if (error === undefined) waiting.resolve(message as unknown as PluginDecision);
    else waiting.reject(Object.assign(new Error(error), charge === 'none' ? { charge } : {}));
    return true;
  }

  /** Rejects those that wait and all later ones. */
  rejectAll(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
