import type { PlannedNode } from './planned-node.ts';

interface OnePrimaryOptions {
  readonly kind: 'single' | 'sentinel';
  readonly regions: readonly string[];
  /** In each other region. */
  readonly replicas: number;
}

interface OnePrimary {
  readonly nodes: readonly PlannedNode[];
  readonly sentinels: readonly PlannedNode[];
}

/** Every slot: what a primary without cluster mode serves. */
const EVERY_SLOT = [0, 16_383] as const;

/**
 * One primary in the first region. Of kind sentinel each other region has its replicas, and every region a Sentinel; with
 * one region all are there.
 */
export function planOnePrimary({ kind, regions, replicas }: OnePrimaryOptions): OnePrimary {
  const [home = '', ...others] = regions;
  const primary: PlannedNode = { name: `${home}-0`, region: home, index: 0, slots: EVERY_SLOT };
  if (kind === 'single') return { nodes: [primary], sentinels: [] };
  const first = others.length === 0 ? 1 : 0;
  const copies = (others.length === 0 ? [home] : others).flatMap((region) =>
    Array.from({ length: replicas }, (_, copy): PlannedNode => {
      const index = first + copy;
      return { name: `${region}-${index}`, region, index, replicaOf: primary.name };
    }),
  );
  const nodes = [primary, ...copies];
  const sentinels = regions.map((region): PlannedNode => {
    const index = nodes.filter((node) => node.region === region).length;
    return { name: `${region}-sentinel`, region, index };
  });
  return { nodes, sentinels };
}

/** How many Sentinels must agree that the primary is down: a majority. */
export function quorumOf({ sentinels }: Pick<OnePrimary, 'sentinels'>): number {
  return Math.floor(sentinels.length / 2) + 1;
}
