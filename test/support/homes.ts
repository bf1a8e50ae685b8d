import type { HomesOptions } from '../../src/limiter/homes/homes.ts';
import { SLOTS } from '../../src/limiter/redis/hash-slot.ts';

export const REGIONS: readonly string[] = ['us-east', 'eu-west', 'ap-south'];

/** The homes of these regions, whose slots are dealt out evenly; a user's home is what its name begins with. */
export function homesOf(nodesOf: (region: string, index: number) => readonly string[]): HomesOptions {
  const regions = REGIONS.map((name, i) => {
    const [from = 0, to = 0] = [i, i + 1].map((at) => Math.ceil((at * SLOTS) / REGIONS.length));
    return [name, { slots: `${from}-${to - 1}`, nodes: nodesOf(name, i) }];
  });
  const regionOf = ({ user }: { readonly user: string }) => /^(.*?)\./.exec(user)?.[1];
  return { format: 'openclaw-homes', version: 1, regions: Object.fromEntries(regions), regionOf };
}
