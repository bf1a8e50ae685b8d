import type { BandwidthSpec } from '../../scenario/faults/bandwidth.ts';
import { cutPairs } from '../../topology/pairs.ts';
import { allOf, type MakeProbe, neverSeen, type Sight } from './probe.ts';
import { nameOf, send, type Way, waysToNodes } from './reach.ts';

/** A text takes this long at the limit, if it is not larger than the most. */
const TAKES_MS = 300;
const MOST_BYTES = 4_000_000;
/** A text that takes less at the limit is lost in the noise of the machine. */
const LEAST_MS = 100;
/** Of a certificate, which passes the limit, too. */
const LOGIN_BYTES = 4_000;
/** The faster one counts, since another process may have delayed the other. */
const ECHOES = 2;

/** An ECHO of a text takes longer by at least half of the time that the text needs at the limit. */
export const bandwidthProbe: MakeProbe<BandwidthSpec> = async (
  { between, rateKBps },
  { regions, isAlone },
) => {
  const bytes = Math.min(MOST_BYTES, Math.ceil(rateKBps * TAKES_MS));
  const atLimitMs = bytes / rateKBps;
  if (atLimitMs < LEAST_MS)
    return neverSeen({
      bit: false,
      saw: `${bytes} bytes need ${atLimitMs.toFixed(1)} ms at the limit, too few to be seen`,
    });
  const text = 'x'.repeat(bytes);
  const ways = await waysToNodes(regions, cutPairs({ bridge: between }, regions.topology));
  if ('saw' in ways) return neverSeen(ways);
  const measure = async (way: Way) => {
    const times: number[] = [];
    const loginMs = way.loginTrips === 0 ? 0 : LOGIN_BYTES / rateKBps;
    for (let at = 0; at < ECHOES; at++) {
      const { isAnswered, ms } = await send(way, ['ECHO', text], 2 * atLimitMs + way.patienceMs + loginMs);
      if (isAnswered) times.push(ms);
    }
    return Math.min(...times); // Infinity without a reply
  };
  const before = new Map(await Promise.all(ways.map(async (way) => [way, await measure(way)] as const)));
  const lookAt = async (way: Way): Promise<Sight> => {
    const [wasMs, nowMs] = [before.get(way) ?? Number.POSITIVE_INFINITY, await measure(way)];
    if (!Number.isFinite(wasMs))
      return { bit: false, saw: `an ECHO from ${nameOf(way)} had no reply before the fault` };
    // Alone, the limit lets it through in time; another fault may hold it up.
    if (!Number.isFinite(nowMs)) return { bit: !isAlone(), saw: `an ECHO from ${nameOf(way)} had no reply` };
    const growthMs = nowMs - wasMs;
    return {
      bit: growthMs >= atLimitMs / 2,
      saw: `an ECHO of ${bytes} bytes from ${nameOf(way)} took ${wasMs.toFixed(0)} ms before and ${nowMs.toFixed(0)} ms now`,
    };
  };
  return {
    looks: 'throughout',
    look: async () => allOf(await Promise.all(ways.map(lookAt))),
  };
};
