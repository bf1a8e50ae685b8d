export interface PlannedNode {
  /** `<region>-<k>`, unique. */
  readonly name: string;
  readonly region: string;
  /** Its number within the region, from 0. */
  readonly index: number;
  /** The name of its primary; absent for a primary. */
  readonly replicaOf?: string;
  /** The first and the last of the slots that a primary starts with. */
  readonly slots?: readonly [first: number, last: number];
}

/** The name of the shard of a node: that of its planned primary. */
export function shardOf({ name, replicaOf }: Pick<PlannedNode, 'name' | 'replicaOf'>): string {
  return replicaOf ?? name;
}
