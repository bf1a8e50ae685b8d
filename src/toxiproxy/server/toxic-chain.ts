import type { Attributes, Direction, Toxic } from '../toxic.ts';
import { toxicExists, toxicNotFound } from './api-error.ts';
import type { Links } from './connections.ts';

/** The toxics of one proxy, in the order they were added, kept the same on all its connections. */
export class ToxicChain {
  readonly upstream: Toxic[] = [];
  readonly downstream: Toxic[] = [];
  readonly #connections: () => Iterable<Links>;

  constructor(connections: () => Iterable<Links>) {
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
    this.#each(toxic.direction, (link) => link.add(toxic));
    return toxic;
  }

  update(name: string, changes: { readonly attributes: Attributes; readonly toxicity: number }): Toxic {
    const toxic = this.get(name);
    const updated = { ...toxic, ...changes };
    const chain = this[toxic.direction];
    chain[chain.indexOf(toxic)] = updated;
    this.#each(toxic.direction, (link) => link.update(updated));
    return updated;
  }

  remove(name: string): void {
    const toxic = this.get(name);
    const chain = this[toxic.direction];
    chain.splice(chain.indexOf(toxic), 1);
    this.#each(toxic.direction, (link) => link.remove(name));
  }

  clear(): void {
    for (const { name } of this.list()) this.remove(name);
  }

  #each(direction: Direction, change: (link: Links[Direction]) => void): void {
    for (const links of this.#connections()) change(links[direction]);
  }
}
