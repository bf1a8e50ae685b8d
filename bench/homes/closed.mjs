// Closed load of `central`: requests per second with homes, beside those where no link has a round trip.
import { createLimiter } from '../../dist/index.js';
import { drawIn, names, openRegions, POLICY, usersOf } from './regions.mjs';

const CONNECTIONS = 60;
const LEAST = 0.95;

/** The rows of a table, and the goal: that of the first share of roaming users. */
export async function measureClosed({ server, pairs, seconds, users, roamings }) {
  const none = Object.fromEntries(names.flatMap((a, i) => names.slice(i + 1).map((b) => [`${a}:${b}`, 0])));
  const clusters = [];
  const table = [
    '| roaming users | with homes /s | without round trips /s | ratio, median of pairs | least | most |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  const goals = [];
  try {
    for (const roundTripMs of [{}, none]) clusters.push(await openRegions({ server, roundTripMs }));
    const [far, near] = clusters;
    for (const roaming of roamings) {
      const rates = { far: [], near: [] };
      const sides = [
        ['far', far, { homes: far.homes }],
        ['near', near, {}],
      ];
      for (let pair = 0; pair < pairs; pair++)
        for (const [side, cluster, homes] of pair % 2 === 0 ? sides : sides.toReversed())
          rates[side].push(await rateOf(cluster, homes, { seconds, users, roaming, pair }));
      const ratios = rates.far.map((rate, i) => rate / rates.near[i]).sort((a, b) => a - b);
      const middle = median(ratios);
      const cells = [
        ...[rates.far, rates.near].map((all) => median(all).toFixed(0)),
        ...[middle, ratios[0], ratios.at(-1)].map((ratio) => ratio.toFixed(2)),
      ];
      table.push(`| ${(100 * roaming).toFixed(0)} % | ${cells.join(' | ')} |`);
      const says = `requests a second with homes, of those without round trips, ${100 * roaming} % of users roaming: ${middle.toFixed(2)}`;
      goals.push(
        roaming === roamings[0] ? { isMet: middle >= LEAST, says: `${says} (at least ${LEAST})` } : { says },
      );
    }
  } finally {
    for (const { stop } of clusters) await stop();
  }
  return { table, goals };
}

async function rateOf(cluster, homes, { seconds, users, roaming, pair }) {
  const prefix = `bench:${roaming}:${pair}`;
  const limiters = names.map((name) =>
    createLimiter({ policy: POLICY, redis: cluster.redisOf(name), prefix, ...homes }),
  );
  const planned = usersOf({ seed: pair, users, roaming });
  const draws = names.map((name) => drawIn(planned, name, pair));
  try {
    for (const limiter of limiters) await limiter.ready();
    await each(limiters, draws, 1, 'warm-up');
    return (await each(limiters, draws, seconds, 'ratings')) / seconds;
  } finally {
    for (const limiter of limiters) await limiter.close();
  }
}

/** The connections send one take after another; gives how many were answered in time. */
async function each(limiters, draws, seconds, endpoint) {
  const endMs = performance.now() + seconds * 1_000;
  const counts = await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, i) => {
      const at = i % limiters.length;
      let count = 0;
      while (performance.now() < endMs) {
        await limiters[at].take({ user: draws[at]().name, endpoint });
        count++;
      }
      return count;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
