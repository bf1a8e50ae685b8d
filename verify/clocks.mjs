// The clocks of a history and of a certificate, for verify.mjs.
import { fail as refuse } from 'node:assert';
import { least, MAYBE, most, NEVER, UNSURE } from './operations.mjs';

/** The same span of time of a machine on the base: as early and as late as its pings allow, with 1,000 ppm of drift since. */
export function onBase(span, { base, pingsOf }) {
  const { machine, from, until } = span;
  if (machine === base) return span;
  const own = pingsOf.get(machine) ?? [];
  // sent at a, received at b, answered with s: the base showed s at most at a, and s at least at b
  const aheadUs = (us, sign) =>
    sign * least(own.map(({ atUs, serverUs, errorUs }) => sign * (serverUs - atUs) + errorUs + Math.abs(us - atUs + sign * errorUs) / 1_000));
  if (aheadUs(from, -1) > aheadUs(from, 1)) refuse(`readings of ${machine} contradict each other`);
  return { ...span, from: Math.floor(from + aheadUs(from, -1)), until: Math.ceil(until + aheadUs(until, 1)) };
}

const widthOf = ({ from, until }) => until - from;
/** By how much two readings of a clock contradict each other, if it steps in no time between them. */
const stepUs = (a, b) =>
  most([b.serverUs - b.until - (a.serverUs - a.from), a.serverUs - a.until - (b.serverUs - b.from)]) - Math.abs(a.from - b.from) / 1_000;

/**
 * What is known of the clock of one node: its readings; and of the decisions, which show it as well, the sharpest of each
 * quarter second. A blurred one says nothing beside these, unless both of its neighbors contradict it.
 */
function pickReadings(readings, decisions) {
  const sharpest = new Map();
  for (const one of decisions) {
    const slot = Math.floor(one.from / 250_000);
    if (!sharpest.has(slot) || widthOf(one) < widthOf(sharpest.get(slot))) sharpest.set(slot, one);
  }
  const widths = [...sharpest.values(), ...readings].map(widthOf).sort((a, b) => a - b);
  const isSharp = (one) => widthOf(one) <= most([2_000, 2 * widths[widths.length >> 2]]);
  const kept = [...readings, ...[...sharpest.values()].filter(isSharp)].sort((a, b) => a.from - b.from);
  let next = 0;
  const isNew = (one) => {
    while (kept[next]?.from < one.from) next++;
    return [kept[next - 1], kept[next]].every((other) => other === undefined || stepUs(other, one) > 0);
  };
  return [...kept, ...decisions.sort((a, b) => a.from - b.from).filter(isNew)];
}

/** What shows the clock of each node: by machine the readings, and the decisions. */
function readingsOf({ buckets, clock }) {
  const ofNode = new Map();
  const kindsOf = ({ node, machine }) => {
    const ofMachine = ofNode.get(node) ?? ofNode.set(node, new Map()).get(node);
    return ofMachine.get(machine) ?? ofMachine.set(machine, [[], []]).get(machine);
  };
  for (const { node, machine, serverUs, atUs, errorUs } of clock)
    kindsOf({ node, machine })[0].push({ machine, from: atUs - errorUs, until: atUs + errorUs, serverUs });
  for (const rows of buckets.values())
    for (const { node, machine, from, until, decidedUs: serverUs, role } of rows)
      if (serverUs !== undefined && role !== MAYBE && until !== NEVER) kindsOf({ node, machine })[1].push({ machine, from, until, serverUs });
  return [...ofNode].map(([node, ofMachine]) => ({ node, ofMachines: [...ofMachine.values()] }));
}

/** The range of offsets that each reading leaves together with those before it, `sign` 1, or after it, -1. A step begins another range. */
function rangesOf(sorted, sign) {
  let last;
  const ranges = (sign > 0 ? sorted : sorted.toReversed()).map(({ from, until, serverUs }) => {
    const own = { us: sign > 0 ? until : from, low: serverUs - until, high: serverUs - from };
    const old = last && slewed(last, own.us);
    const isStep = old === undefined || old.low > own.high || own.low > old.high;
    last = isStep ? own : { us: own.us, low: most([old.low, own.low]), high: least([old.high, own.high]) };
    return last;
  });
  return sign > 0 ? ranges : ranges.toReversed();
}

const slewed = ({ us, low, high }, atUs) => ({ low: low - Math.abs(us - atUs) / 1_000, high: high + Math.abs(us - atUs) / 1_000 });

/** Whether a machine reads of a node what the readings of another one, before and after, exclude: it is not one clock. */
function areApart(readings, others) {
  const [before, after] = [1, -1].map((sign) => rangesOf(others, sign));
  let [ended, begun] = [0, 0];
  return readings.some(({ from, until, serverUs }) => {
    while (others[ended]?.until <= from) ended++;
    while (others[begun]?.from < until) begun++;
    if (ended === 0 || begun === others.length) return false;
    const ranges = [slewed(before[ended - 1], from), slewed(after[begun], until)];
    return ranges.every(({ low, high }) => serverUs - until > high || serverUs - from < low);
  });
}

/** If readings contradict each other, nothing is known: a machine or a node is several, or its clock stepped. */
function checkReadings(ofNodes, history) {
  const { base, ping } = history;
  const no = (name) => refuse(`readings of ${name} contradict each other`);
  for (const { machine, node, atUs, serverUs, errorUs } of ping) {
    onBase({ machine, from: atUs, until: atUs }, history);
    if (machine === base && node === base && Math.abs(serverUs - atUs) > errorUs + 1) no(base);
  }
  for (const { node, ofMachines } of ofNodes) {
    const read = ofMachines.map(([readings]) => readings.map((one) => onBase(one, history)).sort((a, b) => a.from - b.from));
    for (const readings of read) if (read.some((others) => others !== readings && areApart(readings, others))) no(node);
  }
}

/** From the first start of an operation to the last known end of one, on the base. */
function spanOf(history) {
  const rows = [...history.buckets.values()].flat().filter(({ role }) => role !== UNSURE);
  const spans = [...new Set(rows.map(({ machine }) => machine))].map((machine) => {
    const own = rows.filter((row) => row.machine === machine);
    const lasts = own.map(({ role, from, until }) => (role === MAYBE || until === NEVER ? from : until));
    return onBase({ machine, from: least(own.map(({ from }) => from)), until: most(lasts) }, history);
  });
  return [least(spans.map(({ from }) => from)), most(spans.map(({ until }) => until))];
}

/** The most that the nodes' clocks can gain on the recorder's or the base, or lose, between any two moments. Microseconds. */
export function clockSpreadUs(history) {
  const { header } = history;
  const known = readingsOf(history);
  checkReadings(known, history);
  const ofNodes = known.map(({ ofMachines }) =>
    ofMachines.flatMap(([readings, decisions]) => pickReadings(readings, decisions)).map((one) => onBase(one, history)),
  );
  const [span, isRead, saysSlack] = [spanOf(history), ofNodes.length > 0, header.some(({ clockSlackUs }) => (clockSlackUs ?? null) !== null)];
  const unreadUs = (readings) => {
    const times = [...span, ...readings.map(({ from, until }) => (from + until) / 2)].sort((a, b) => a - b);
    return most(times.map((us, at) => us - (times[at - 1] ?? us)));
  };
  const offsets = ofNodes.flat().flatMap(({ from, until, serverUs }) => [serverUs - until, serverUs - from]);
  const readUs = isRead ? most(offsets) - least(offsets) : 0;
  const mayDrift = isRead || header.some(({ clocks }) => clocks === 'apart');
  const driftUs = mayDrift ? most((isRead ? ofNodes : [[]]).map(unreadUs)) / 500 : 0;
  const ofResolution = isRead || header.every(({ clocks }) => clocks === 'one') ? 0 : 1_000;
  const slackUs = saysSlack ? most(header.map(({ clockSlackUs }) => clockSlackUs ?? 1_000)) : ofResolution;
  return readUs + driftUs + slackUs;
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
  const datesFromUs = own.length > 0 ? -NEVER : nodes.length === 0 && header.every(({ clocks }) => clocks === 'one') ? 1e15 : NEVER;
  return { show, nodes, isOfAll, datesFromUs };
}
