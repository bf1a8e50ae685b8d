// Three regions, their homes table, and users of them.
import { Redis } from 'ioredis';
import { makeRandom } from '../../dist/core/prng.js';
import { planUsers } from '../../dist/load/drawn-users.js';
import { makeUserDraw } from '../../dist/load/users.js';
import { withRegions } from '../../dist/rating/homes.js';
import { requireHomes } from '../../dist/regions/cluster/homes.js';
import { DEFAULT_TOPOLOGY } from '../../dist/topology/topology.js';
import { startRegions } from '../start-regions.mjs';

export const POLICY = '20:5/s';
export const names = DEFAULT_TOPOLOGY.regions;

/** The users of scenarios/baseline.yaml, each called after its home. */
export function usersOf(shape) {
  return planUsers({ ...shape, regions: names, skew: 0.7, rampMs: 0, homes: true });
}

export const homeOf = ({ user }) => user.slice(0, user.indexOf('.'));

/** Draws users of a region. */
export function drawIn(users, region, seed) {
  const [draw, random] = [makeUserDraw(users, region), makeRandom(seed, region)];
  return () => draw(random, 0);
}

/** Brings up the regions; `roundTripMs` replaces the default round trips. */
export async function openRegions({ server, roundTripMs = {} }) {
  const { regions, stop } = await startRegions({
    server,
    seed: 1,
    topology: { ...DEFAULT_TOPOLOGY, roundTripMs },
  });
  const watches = regions.topology.nodes.map(({ name }) => new Redis(regions.direct(name)));
  return {
    homes: withRegions(await requireHomes(regions)),
    redisOf(region) {
      const { seeds, localAddress } = regions.view(region);
      return {
        urls: seeds.map(({ host, port }) => `redis://${host}:${port}`),
        cluster: true,
        commandTimeoutMs: 10_000,
        ...(localAddress && { localAddress }),
      };
    },
    /** The scripts and WAITs that all nodes have been asked for by clients. */
    async calls() {
      const stats = await Promise.all(watches.map((watch) => watch.info('commandstats')));
      const counts = stats.flatMap((text) => [
        ...text.matchAll(/cmdstat_(?:evalsha|eval|wait):calls=(\d+)/g),
      ]);
      return counts.reduce((total, [, count]) => total + Number(count), 0);
    },
    async stop() {
      for (const watch of watches) watch.disconnect();
      await stop();
    },
  };
}
