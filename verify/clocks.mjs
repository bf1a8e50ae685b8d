// The clocks of a history and of a certificate, for verify.mjs.
import { fail as refuse } from 'node:assert';
import { least, most, NEVER, UNSURE } from './history.mjs';

/** The same span of time of a machine on the base: as early and as late as its pings allow, with 1,000 ppm of drift since. */
export function onBase(span, { base, ping }) {
  const { machine, from, until } = span;
  if (machine === base) return span;
  const own = ping.filter((one) => one.machine === machine && one.node === base);
  // sent at a, received at b, answered with s: the base showed s at most at a, and s at least at b
  const aheadUs = (us, sign) =>
    sign * least(own.map(({ atUs, serverUs, errorUs }) => sign * (serverUs - atUs) + errorUs + Math.abs(us - atUs + sign * errorUs) / 1_000));
  if (aheadUs(from, -1) > aheadUs(from, 1)) refuse(`readings of ${machine} contradict each other`);
  return { ...span, from: Math.floor(from + aheadUs(from, -1)), until: Math.ceil(until + aheadUs(until, 1)) };
}

/** The most that the nodes' clocks can gain on the recorder's or the base, or lose, between any two moments. Microseconds. */
export function clockSpreadUs(history) {
  const rows = [...history.buckets.values()].flat().filter(({ role }) => role !== UNSURE);
  const starts = [...new Set(rows.map(({ machine }) => machine))].map((machine) => {
    const own = rows.filter((row) => row.machine === machine).map(({ from }) => from);
    return onBase({ machine, from: least(own), until: most(own) }, history);
  });
  const readings = history.clock.map(({ machine, serverUs, atUs, errorUs }) => ({
    ...onBase({ machine, from: atUs - errorUs, until: atUs + errorUs }, history),
    serverUs,
  }));
  const middles = readings.map(({ from, until }) => (from + until) / 2);
  const times = [...middles, least(starts.map(({ from }) => from)), most(starts.map(({ until }) => until))].sort((a, b) => a - b);
  const driftUs = most(times.map((us, at) => us - (times[at - 1] ?? us))) / 500;
  const offsets = readings.flatMap(({ from, until, serverUs }) => [serverUs - until, serverUs - from]);
  const granted = history.header.map(({ clocks, clockSlackUs }) => {
    if (readings.length > 0) return (clockSlackUs ?? 0) + most(offsets) - least(offsets) + driftUs;
    return (clockSlackUs ?? (clocks === 'one' ? 0 : 1_000)) + (clocks === 'apart' ? driftUs : 0);
  });
  return most(granted);
}

/** The line through the points of an offset, which drifts slowly: what it shows at a moment, and whether it is the clock itself. */
function makeLine(points) {
  const exact = [[-1e18, points[0][1]], ...points, [1e18, points.at(-1)[1]]].map((point) => point.map(BigInt)); // flat beyond its points
  const isSteep = ([us, offset], at) => at > 0 && 1_000n * most([offset - exact[at - 1][1], exact[at - 1][1] - offset]) > us - exact[at - 1][0];
  if (exact.some(isSteep)) refuse('it drifts by more than 1,000 ppm');
  const show = (us) => {
    const [[startUs, start], [endUs, end]] = exact.slice(exact.findIndex(([at]) => at > us) - 1);
    const [product, spanUs] = [(end - start) * (us - startUs), endUs - startUs];
    return us + start + product / spanUs - (product % spanUs < 0n ? 1n : 0n); // rounded down
  };
  return { show, isZero: exact.every(([, offset]) => offset === 0n), isFlat: exact.every(([, offset]) => offset === exact[0][1]) };
}

/**
 * A clock of a certificate: an offset from the recorder, or from each machine, that agrees with all readings of its nodes and
 * all pings. Without a reading of its nodes it may differ from the recorder's clock, or the base, by a constant alone.
 */
export function makeClock({ nodes, points, offsets }, { clock: readings, ping, header, base, files }) {
  if ((points === undefined) === (offsets === undefined)) refuse('it has no points or offsets, or both');
  const known = [base, ...files.map(({ machine }) => machine)];
  const lines = new Map(Object.entries(offsets ?? { '': points }).map(([machine, own]) => [machine, makeLine(own)]));
  const lineOf = (machine) => lines.get(machine) ?? refuse(`it has no offset of ${machine}`);
  const show = (machine, us) => lineOf(machine).show(BigInt(Math.round(us)));
  for (const machine of lines.keys()) if (!known.includes(machine)) refuse(`the history has no machine ${machine}`);
  const own = readings.filter(({ node }) => nodes.includes(node));
  if (nodes.length === 0 && !lineOf(base).isZero) refuse('it belongs to no node');
  if (own.length === 0 && !lineOf(base).isFlat) refuse('it drifts, and none of its nodes was read');
  const others = [...own.map((one) => [one, BigInt(Math.round(one.serverUs))]), ...ping.map((one) => [one, show(one.node, one.serverUs)])];
  const wrong = others.find(([{ machine, atUs, errorUs }, us]) => Math.abs(Number(show(machine, atUs) - us)) > errorUs + 1);
  if (wrong !== undefined) refuse(`it contradicts a reading of ${wrong[0].node}`);
  const isOfAll = own.length === 0 || readings.every(({ node }) => nodes.includes(node));
  const datesFromUs = own.length > 0 ? 0 : nodes.length === 0 && header.every(({ clocks }) => clocks === 'one') ? 1e15 : NEVER;
  return { show, nodes, isOfAll, datesFromUs };
}
