// Checks a certificate against its history: node verify.mjs certificate.ndjson.gz history.ndjson; exit code 1: it is wrong.
// It uses no package and no code of the checker, and computes exactly. docs/certificates.md says what a certificate proves.
import { fail as refuse } from 'node:assert';
import { CONTROL, DENIAL, keyOf, least, MAYBE, most, NEVER, NOTHING, readHistory, readRecords, sumOf, TAKE, UNSURE } from './history.mjs';

/** The same span of time of a machine on the base: as early and as late as its pings allow, with 1,000 ppm of drift since. */
function onBase(span, { base, ping }) {
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
function clockSpreadUs(history) {
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
  return { show, isZero: exact.every(([, offset]) => offset === 0n) };
}

/** A clock of a certificate: an offset from the recorder, or from each machine, that agrees with all readings of its nodes and all pings. */
function makeClock({ nodes, points, offsets = { '': points } }, { clock: readings, ping, header }) {
  const lines = new Map(Object.entries(offsets).map(([machine, own]) => [machine, makeLine(own)]));
  if (nodes.length === 0 && ![...lines.values()].some(({ isZero }) => isZero)) refuse('it belongs to no node');
  const show = (machine, us) => (lines.get(machine) ?? refuse(`it has no offset of ${machine}`)).show(BigInt(Math.round(us)));
  const own = readings.filter(({ node }) => nodes.includes(node));
  const others = [...own.map((one) => [one, BigInt(Math.round(one.serverUs))]), ...ping.map((one) => [one, show(one.node, one.serverUs)])];
  const wrong = others.find(([{ machine, atUs, errorUs }, us]) => Math.abs(Number(show(machine, atUs) - us)) > errorUs + 1);
  if (wrong !== undefined) refuse(`it contradicts a reading of ${wrong[0].node}`);
  return { show, datesFromUs: own.length > 0 ? 0 : nodes.length === 0 && header.every(({ clocks }) => clocks === 'one') ? 1e15 : NEVER };
}

/** What a bucket is held to: a window to N tokens, a sliding counter to a bucket of N + 1 that gains N in the length of a window. */
function idealOf({ header: [header], event, buckets, isWhole, promise: { type, limit, windowUs } }, { bucket, policy }) {
  const [gain, rows] = [type === 'sliding-counter' ? 1 : 0, buckets.get(keyOf({ bucket, policy })) ?? refuse('the history has no such bucket')];
  const ofWindow = { capacity: limit + gain, refill: { tokens: limit * gain, perUs: windowUs } };
  const { capacity, refill } = type !== 'token-bucket' ? ofWindow : policy === undefined ? header.policy : header.policies[policy];
  const [full, token, perUs] = [capacity * refill.perUs, refill.perUs, refill.tokens].map(BigInt);
  const own = event.filter(({ args }) => [undefined, bucket, policy && `${bucket} (${policy})`].includes(args?.bucket));
  const [isMoved, fills] = [own.some((one) => one.event === 'move'), own.filter((one) => one.event === 'reset')];
  const resets = fills.map(({ atUs, machine }) => ({ role: TAKE, machine, from: Math.ceil(atUs), until: NEVER, cost: -capacity, of: rows }));
  if (rows.some(({ isShared }) => isShared)) refuse('it has reservations of several buckets');
  const isUnsure = !isWhole || type !== 'token-bucket' || isMoved || rows.some(({ charges }) => charges !== undefined); // no conviction
  return { rows, resets, mayOmit: isMoved, full, token, perUs, level: full, log: type === 'sliding-window' ? [] : undefined, isUnsure };
}

/** Runs the order of a proof through the ideal limiters of its buckets. */
function checkProof({ clock, start = [1, 1], order, momentsUs, proves }, members, history) {
  const [{ type, alignment, windowUs }, { show, datesFromUs }] = [history.promise, history.clocks.get(clock) ?? refuse('its clock is missing')];
  const [ideals, [first], seen, lengthUs] = [new Map(members.map((ideal) => [ideal.rows, ideal])), members, new Set(), BigInt(windowUs ?? 0)];
  const all = [...members.flatMap(({ rows }) => rows), ...members.flatMap(({ resets }) => resets)];
  first.level = (first.full * BigInt(start[0])) / BigInt(start[1]);
  if (first.level > first.full || first.level < (history.isUnknown && first.log === undefined ? 0n : first.full)) refuse('its start is wrong');
  if (order.length !== momentsUs.length) refuse('its lists differ in length');
  if (proves !== 'all' && ![history, ...members, ...all].some((one) => one.mayOmit || one.isLocal)) refuse('it leaves out denials without a reason');
  if (alignment === 'epoch' && !(momentsUs[0] >= datesFromUs)) refuse('its clock has no time of day');
  let [code, nowUs, endUs] = [0, 0n, type === 'fixed-window' ? -NEVER : NEVER];
  const no = (why) => refuse(`operation ${code >> 1} ${why}`);
  for (const [at, stepUs] of momentsUs.entries()) {
    [code, nowUs] = [code + order[at], nowUs + BigInt(stepUs)];
    if (at > 0 && stepUs < 0) refuse('its moments fall');
    if (type === 'fixed-window' && code >> 1 === all.length) {
      const isRight = { epoch: nowUs % lengthUs === 0n, first: momentsUs[at + 1] === 0, any: true }[alignment];
      if (!isRight || nowUs < endUs) refuse('a window begins at a wrong moment');
      [first.level, endUs] = [endUs === -NEVER ? first.level : first.full, nowUs + lengthUs];
      continue;
    }
    let [row, lacks] = [(code & 1) === 1 ? all[code >> 1]?.surplus : all[code >> 1], false];
    if ([undefined, NOTHING, UNSURE].includes(row?.role)) no('charges nothing, or may have given back nothing');
    for (const charge of row.charges ?? [row]) {
      const [ideal, { role, machine, from, until, cost }] = [ideals.get(charge.of) ?? no('charges another bucket, too'), charge];
      if (seen.size === seen.add(charge).size) no('is listed twice');
      if (role !== row.role || nowUs < show(machine, from) || (until !== NEVER && nowUs > show(machine, until))) no('is outside its interval');
      if (cost > 0 && nowUs >= endUs) no('is in no window');
      while (ideal.log?.[0]?.us <= nowUs - lengthUs) ideal.level += ideal.log.shift().tokens;
      const [level, tokens] = [least([ideal.full, ideal.level + ideal.perUs * (nowUs - (ideal.us ?? nowUs))]), BigInt(cost) * ideal.token];
      lacks ||= level < tokens;
      Object.assign(ideal, { us: nowUs, level: role === DENIAL ? level : least([ideal.full, level - tokens]) });
      if (role !== DENIAL) ideal.log?.push({ us: nowUs, tokens: cost < 0 ? no('is a refund, and a log does not say whose') : tokens });
    }
    if (lacks !== (row.role === DENIAL)) no('gets another answer');
  }
  const isDue = ({ role, cost }) => (role === TAKE ? cost !== 0 : role === DENIAL && proves === 'all');
  for (const [at, row] of all.entries()) if (isDue(row) && !seen.has(row)) refuse(`operation ${at} is missing`);
  return proves === 'all' ? 'proved' : 'admissionsProved';
}

/** Compares the listed admissions with what an ideal bucket and all refunds allow in the window that they span. */
function checkExcess({ operations }, [{ rows, full, token, perUs, resets, isUnsure }], history) {
  const own = [...new Set(operations.map((at) => rows[at]))];
  if (own.length === 0 || own.some((row) => row?.role !== TAKE)) refuse('it lists another operation than admissions');
  const listed = own.map((row) => onBase(row, history));
  const [fromUs, untilUs] = [least(listed.map(({ from }) => from)), most(listed.map(({ until }) => until))];
  const refunds = [...rows, ...resets].filter(({ cost, role }) => cost < 0 && role !== NOTHING);
  const gains = refunds.map((row) => onBase(row, history)).filter(({ from }) => from - history.spreadUs <= untilUs);
  const refill = perUs * BigInt(Math.ceil(untilUs - fromUs + history.spreadUs));
  return !isUnsure && BigInt(sumOf([...listed, ...gains])) * token > full + refill ? 'excess' : 'undecided';
}

/** Looks whether the bucket held the cost at every moment of a denial, with every other charge as late as it can be. */
function checkDenial({ operation }, [{ rows, full, token, perUs, isUnsure }], history) {
  if (rows[operation]?.role !== DENIAL || rows[operation].isLocal) refuse('it is no denial of the limiter');
  const [denial, surpluses] = [onBase(rows[operation], history), rows.flatMap(({ surplus }) => surplus ?? [])];
  const charges = [...rows, ...surpluses].filter(({ role, cost }) => cost > 0 && [TAKE, MAYBE].includes(role));
  const others = charges.map((row) => onBase(row, history)).sort((a, b) => a.until - b.until);
  const knownUs = most(
    history.files
      .filter(({ name }) => name !== CONTROL)
      .map(({ machine, knownUs }) => onBase({ machine, from: knownUs, until: knownUs }, history).until),
  );
  const isLow = (us) => {
    let [level, lastUs] = history.isUnknown ? [0n, Math.min(us, knownUs)] : [full, 0];
    for (const { until, cost } of [...others.filter(({ from }) => from <= us), { until: us, cost: 0 }]) {
      const atUs = Math.max(lastUs, Math.min(until, us));
      [level, lastUs] = [most([0n, least([full, level + perUs * BigInt(atUs - lastUs)]) - BigInt(cost) * token]), atUs];
    }
    return level - perUs * BigInt(Math.ceil(history.spreadUs)) < BigInt(denial.cost) * token;
  };
  const moments = [denial, ...others.filter(({ from }) => from > denial.from && from <= denial.until)];
  return isUnsure || surpluses.some(({ role }) => role === NOTHING) || moments.some(({ from }) => isLow(from)) ? 'undecided' : 'denial';
}

/** Reads the first line: what the limiter promises, and whether proofs may leave out denials. */
function readHead({ format, version, promise, promise: { type, alignment } = {}, declaresFalseDenials }) {
  const judges = { 'token-bucket': true, 'sliding-window': true, 'sliding-counter': false, 'fixed-window': alignment === 'epoch' }[type];
  if (format !== 'openclaw-certificate' || version !== 1 || judges === undefined) refuse('it is no certificate of version 1');
  return { promise, mayOmit: declaresFalseDenials === true || !judges };
}

const CHECKS = { proof: checkProof, group: checkProof, excess: checkExcess, denial: checkDenial, replay: () => 'replay' };
const [certificate, ...paths] = process.argv.slice(2);
const [history, done] = [{ ...(await readHistory(paths)), clocks: new Map() }, new Set()];
const found = { proved: 0, admissionsProved: 0, excess: 0, denial: 0, undecided: 0, replay: 0, refused: 0 };
for await (const record of readRecords(certificate))
  try {
    if (history.promise === undefined) Object.assign(history, readHead(record));
    if (record.type === 'excess' || record.type === 'denial') history.spreadUs ??= clockSpreadUs(history);
    if (record.type === 'clock') history.clocks.set(record.clock, makeClock(record, history));
    const [names, check] = [record.members ?? [record], CHECKS[record.type]];
    if (check === undefined) continue;
    for (const name of names) if (done.size === done.add(`${check.name} ${keyOf(name)}`).size) refuse('it is listed twice');
    const ideals = names.map((name) => idealOf(history, name));
    found[check(record, ideals, history)] += names.length;
  } catch (error) {
    [found.refused, process.exitCode] = [found.refused + 1, 1];
    process.stdout.write(`refused: ${JSON.stringify(record.bucket ?? record.members?.[0].bucket ?? record.type).slice(1, -1)}: ${error.message}\n`);
  }
const simulated = history.header.some((one) => one.simulated === true) ? { simulated: true } : {};
process.stdout.write(
  `${JSON.stringify({ ...simulated, promise: history.promise, operations: history.op, buckets: history.buckets.size, ...found })}\n`,
);
