import type { Address, Reply } from '../inspect/port.ts';

/** The nodes of a slot, as one node reports them. */
export interface SlotView {
  /** Absent if no node serves it. */
  readonly primary?: Address;
  /** Every node with a copy, including the primary. */
  readonly copies: readonly Address[];
}

/**
 * Parses CLUSTER SLOTS, which names the owner, and CLUSTER SHARDS, which also lists failed nodes. A node without an
 * announced host has the host of `target`.
 */
export function readSlotView(
  slot: number,
  { slots, shards, target, isTls }: { slots: Reply; shards: Reply; target: Address; isTls: boolean },
): SlotView {
  const [primary, ...replicas] = list(slots)
    .map(list)
    .filter(([first, last]) => Number(first) <= slot && slot <= Number(last))
    .flatMap(([, , ...nodes]) => nodes.map(list))
    .map(([host, port]) => address(target, port, host));
  const inShards = list(shards)
    .map(record)
    .filter(({ slots: ranges }) => holds(list(ranges).map(Number), slot))
    .flatMap(({ nodes }) => list(nodes).map(record))
    .map((node) =>
      address(target, (isTls ? node['tls-port'] : undefined) ?? node.port, node.endpoint, node.ip),
    );
  const all = [primary, ...replicas, ...inShards].filter((copy) => copy !== undefined);
  return {
    ...(primary && { primary }),
    copies: [...new Map(all.map((copy) => [`${copy.host}:${copy.port}`, copy])).values()],
  };
}

const list = (reply: Reply): unknown[] => (Array.isArray(reply) ? reply : []);

/** A flat list of names and values. */
function record(reply: Reply): Record<string, unknown> {
  const flat = list(reply);
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[String(name), flat[i + 1]]] : [])));
}

function holds(ranges: readonly number[], slot: number): boolean {
  return ranges.some((first, i) => i % 2 === 0 && first <= slot && slot <= (ranges[i + 1] ?? -1));
}

function address(target: Address, port: unknown, ...hosts: readonly unknown[]): Address | undefined {
  const host = hosts.find((name) => typeof name === 'string' && name !== '' && name !== '?');
  if (!Number.isInteger(Number(port)) || Number(port) < 1) return undefined;
  return { host: typeof host === 'string' ? host : target.host, port: Number(port) };
}
