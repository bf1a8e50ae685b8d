import type { Operation } from '../history/records/operation.ts';
import { announcedAddress, type Regions } from '../regions/provider.ts';

/** Names the node of each decision by the plan, instead of an address. */
export class NodeNames {
  readonly #names: ReadonlyMap<string, string>;
  readonly #isExternal: boolean;
  readonly #unknown = new Set<string>();

  constructor(regions: Regions) {
    const { nodes, external } = regions.topology;
    this.#isExternal = external !== undefined;
    this.#names = new Map(
      nodes.flatMap(({ name }) => {
        const { host, port } = regions.direct(name);
        const addresses = [
          `${host}:${port}`,
          announcedAddress(regions, name),
          ...(regions.aliases?.(name) ?? []),
        ];
        return addresses.map((address) => [address, name] as const);
      }),
    );
  }

  name(operation: Operation): Operation {
    const { decision } = operation;
    if (decision === undefined) return operation;
    const node = this.#names.get(decision.node) ?? (this.#isExternal ? this.#hide(decision.node) : undefined);
    return node === undefined ? operation : { ...operation, decision: { ...decision, node } };
  }

  /** A sentence if nodes decided that the endpoints file does not name: their clocks and roles were not watched. */
  problems(): string[] {
    const { size } = this.#unknown;
    if (size === 0) return [];
    const which = size === 1 ? 'a node' : `${size} nodes`;
    return [`${which} that the endpoints file does not name decided requests; add every node of the cluster`];
  }

  /** Reports have no addresses of external nodes. */
  #hide(node: string): string | undefined {
    if (!ADDRESS.test(node)) return undefined;
    this.#unknown.add(node);
    return `unnamed-${[...this.#unknown].indexOf(node) + 1}`;
  }
}

/** A plug-in names no node, and a failure policy none either. */
const ADDRESS = /:\d+$/;
