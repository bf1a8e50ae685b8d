/** Numbers in groups, which grow by joining them. Some are known to be in different groups. */
export class NodeGroups {
  /** Of each number that is not the root of its group. */
  readonly #parents = new Map<number, number>();
  readonly #apart: (readonly [number, number])[] = [];

  rootOf(number: number): number {
    let root = number;
    for (let next = this.#parents.get(root); next !== undefined; next = this.#parents.get(root)) root = next;
    return root;
  }

  /** From now on their groups stay apart. No effect if they are one group already. */
  keepApart(a: number, b: number): void {
    if (this.rootOf(a) !== this.rootOf(b) && !this.#areApart(a, b)) this.#apart.push([a, b]);
  }

  /** No effect on groups that stay apart. */
  join(a: number, b: number): void {
    const [rootA, rootB] = [this.rootOf(a), this.rootOf(b)];
    if (rootA !== rootB && !this.#areApart(a, b)) this.#parents.set(rootA, rootB);
  }

  #areApart(a: number, b: number): boolean {
    const [rootA, rootB] = [this.rootOf(a), this.rootOf(b)];
    return this.#apart.some(([one, other]) => {
      const [first, second] = [this.rootOf(one), this.rootOf(other)];
      return (first === rootA && second === rootB) || (first === rootB && second === rootA);
    });
  }
}
