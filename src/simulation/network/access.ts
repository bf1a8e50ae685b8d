import type { CutMode } from '../../topology/pairs.ts';
import { everyServer } from '../../topology/topology.ts';
import type { Direction } from './connection.ts';
import type { Proxies } from './proxies.ts';
import type { RegionProxy } from './proxy.ts';

const DIRECTIONS: readonly Direction[] = ['upstream', 'downstream'];

/**
 * What faults do to the connections of the clients of a region to every node and Sentinel, those of its own region too.
 * Cuts are those of the links between regions, in both directions. Connections between nodes are not affected.
 */
export class SimulatedAccess {
  readonly #proxies: Proxies;

  constructor(proxies: Proxies) {
    this.#proxies = proxies;
  }

  cut(regions: readonly string[], mode: CutMode): void {
    for (const proxy of this.#of(regions)) {
      if (mode === 'refuse') proxy.setEnabled(false);
      else
        for (const stream of DIRECTIONS)
          proxy.put(stream, { name: `store_timeout_${stream}`, type: 'swallow' });
    }
  }

  /** Removes cuts. */
  restore(regions: readonly string[]): void {
    for (const proxy of this.#of(regions)) {
      proxy.setEnabled(true);
      for (const stream of DIRECTIONS) proxy.drop(stream, `store_timeout_${stream}`);
    }
  }

  /** Adds to the round trip of each answer, half in each direction, whole milliseconds; 0 removes that. */
  slow(regions: readonly string[], roundTripMs: number): void {
    const half = { upstream: Math.ceil(roundTripMs / 2), downstream: Math.floor(roundTripMs / 2) };
    for (const proxy of this.#of(regions))
      for (const stream of DIRECTIONS) {
        const name = `store_latency_${stream}`;
        if (roundTripMs === 0) proxy.drop(stream, name);
        else proxy.put(stream, { name, type: 'latency', latencyMs: half[stream], jitterMs: 0 });
      }
  }

  /** Whether no data passes, and what is added to a round trip, to and from every node. */
  state(region: string): { readonly isCut: boolean; readonly slowMs: number } {
    const addedMs = this.#of([region]).map((proxy) => {
      const added = DIRECTIONS.map((stream) => {
        const toxic = proxy.toxics[stream].find(({ name }) => name === `store_latency_${stream}`);
        return toxic?.type === 'latency' ? toxic.latencyMs : 0;
      });
      return added.reduce((sum, ms) => sum + ms, 0);
    });
    return { isCut: this.#of([region]).every(isSilent), slowMs: Math.min(...addedMs) };
  }

  #of(regions: readonly string[]): RegionProxy[] {
    const servers = everyServer(this.#proxies.topology);
    return regions.flatMap((region) =>
      servers.flatMap(({ name }) => this.#proxies.of('clients', region, { node: name, port: 'data' })),
    );
  }
}

function isSilent({ isEnabled, toxics }: RegionProxy): boolean {
  return !isEnabled || DIRECTIONS.every((stream) => toxics[stream].some(({ type }) => type === 'swallow'));
}
