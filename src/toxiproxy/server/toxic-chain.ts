import type { Direction, ExactAttributes, Toxic } from '../toxic.ts';
import { toxicExists, toxicNotFound } from './api-error.ts';
import type { ToxicPipes } from './connections.ts';

/** The toxics of one proxy in the order of their addition, applied to all its connections. */
export class ToxicChain {
  readonly upstream: Toxic[] = [];
  readonly downstream: Toxic[] = [];
  readonly #connections: () => Iterable<ToxicPipes>;

  constructor(connections: () => Iterable<ToxicPipes>) {
    this.#connections = connections;
  }

  /** Upstream ones first. */
  list(): Toxic[] {
    return [...this.upstream, ...this.downstream];
  }

  get(name: string): Toxic {
    const toxic = this.list().find((candidate) => candidate.name === name);
    if (toxic === undefined) throw toxicNotFound();
    return toxic;
  }

  checkFree(name: string): void {
    if (this.list().some((toxic) => toxic.name === name)) throw toxicExists();
  }

  add(toxic: Toxic): Toxic {
    this[toxic.direction].push(toxic);
    this.#each(toxic.direction, (pipe) => pipe.add(toxic));
    return toxic;
  }

  update(name: string, changes: { readonly attributes: ExactAttributes; readonly toxicity: number }): Toxic {
    const toxic = this.get(name);
    const updated = { ...toxic, ...changes };
    const chain = this[toxic.direction];
    chain[chain.indexOf(toxic)] = updated;
    this.#each(toxic.direction, (pipe) => pipe.update(updated));
    return updated;
  }

  remove(name: string): void {
    const toxic = this.get(name);
    const chain = this[toxic.direction];
    chain.splice(chain.indexOf(toxic), 1);
    this.#each(toxic.direction, (pipe) => pipe.remove(name));
  }

  clear(): void {
    for (const { name } of this.list()) this.remove(name);
  }

  #each(direction: Direction, change: (pipe: ToxicPipes[Direction]) => void): void {
    for (const pipes of this.#connections()) change(pipes[direction]);
  }
}
