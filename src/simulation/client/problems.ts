import { NEVER_SENT } from './sent-command.ts';

/** The current connection error of each node; an error that is over does not explain a later failure. */
export class Problems {
  readonly #byNode = new Map<string, Error>();

  /** Without a node: an error of the cluster as a whole. */
  begin(error: Error | undefined, node = NEVER_SENT.node): void {
    if (error === undefined) return;
    this.#byNode.delete(node); // to the end: the latest is last
    this.#byNode.set(node, error);
  }

  end(node = NEVER_SENT.node): void {
    this.#byNode.delete(node);
  }

  /** Drops the errors of nodes that have left. */
  onlyOf(nodes: ReadonlySet<string>): void {
    for (const node of this.#byNode.keys()) if (!nodes.has(node)) this.#byNode.delete(node);
  }

  /** The error of a node; without a node, the latest of all. */
  of(node: string): Error | undefined {
    return node === NEVER_SENT.node ? [...this.#byNode.values()].at(-1) : this.#byNode.get(node);
  }
}
