// Checks a certificate against its history: node verify.mjs certificate.ndjson.gz history.ndjson; exit code 1: it is wrong.
// It uses no package and no code of the checker, and computes exactly. docs/certificates.md says what a certificate proves.
import { fail as refuse } from 'node:assert';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

const [TAKE, DENIAL, NOTHING, MAYBE, UNSURE, NEVER] = ['allowed', 'denied', 'failed', 'info', Symbol('may give back'), Number.POSITIVE_INFINITY];
const least = (numbers) => numbers.reduce((a, b) => (b < a ? b : a), NEVER);
const most = (numbers) => numbers.reduce((a, b) => (b > a ? b : a), -NEVER);
const keyOf = ({ bucket, policy = '' }) => JSON.stringify([bucket, policy]);
const [sumOf, listIn] = [(rows) => rows.reduce((sum, { cost }) => sum + cost, 0), (map, key) => map.get(key) ?? map.set(key, []).get(key)];
async function* readRecords(path) {
  const input = path.endsWith('.gz') ? createReadStream(path).pipe(createGunzip()) : createReadStream(path);
  for await (const line of createInterface({ input })) if (line !== '') yield JSON.parse(line);
}
/** An operation, then what follows a reservation: extensions, a settlement that gives back the rest, an expiry that may give back all. */
function* withSteps({ extended = [], settled, expiresUs, ...op }) {
  const [{ bucket, policy, decisionId }, expires, isHeld] = [op, expiresUs !== undefined, ({ outcome }) => [TAKE, MAYBE].includes(outcome)];
  const [steps, held] = [extended.map((step, name) => ({ ...step, name })), sumOf([op, ...extended.filter(isHeld)])];
  const outcome = [...steps, settled].some((step) => step?.outcome === MAYBE) ? UNSURE : settled?.outcome;
  if (settled !== undefined) steps.push({ ...settled, outcome, cost: settled.cost - held, name: 'settle' });
  if (expiresUs !== undefined) steps.push({ invokedUs: expiresUs, outcome: UNSURE, cost: -held, name: 'expire' });
  const all = isHeld(op) ? steps.map((step) => ({ ...step, bucket, policy, decisionId, decision: undefined, goesOn: true, expires })) : [];
  const made = op.outcome === MAYBE && settled?.outcome === TAKE ? { outcome: TAKE, completedUs: settled.completedUs } : {}; // or nothing were held
  yield* [{ ...op, ...made, name: 'take', goesOn: all.length > 0, expires: expires && isHeld(op) }, ...(op.charges === undefined ? all : [])];
}
/** Adds a row for each bucket that is charged; its surplus may be charged beyond the outcome. */
function addOperation(history, op, file) {
  const { outcome: role, maxCharge, decision, decisionId, name, goesOn, expires } = op;
  if (![TAKE, DENIAL, NOTHING, MAYBE, UNSURE].includes(role)) refuse(`the outcome ${role} is unknown`);
  const [from, isLocal, latest] = [Math.floor(op.invokedUs), decision?.source === 'fallback', Math.ceil(op.latestUs ?? NEVER)];
  const until = role === MAYBE ? latest : Math.ceil(op.completedUs ?? NEVER);
  if (decisionId === undefined && maxCharge === undefined && !isLocal && !goesOn) history.known[file] = Math.min(history.known[file], until);
  const mayReach = isLocal && decision.charge !== 'none' && role !== MAYBE; // a failure policy answered while its request was under way
  const costs = new Map(); // a bucket that is charged twice is charged the sum
  for (const charge of op.charges ?? [op]) costs.set(keyOf(charge), (costs.get(keyOf(charge)) ?? 0) + charge.cost);
  const [charges, isShared] = [costs.size > 1 ? [] : undefined, goesOn && op.charges !== undefined]; // all or none
  for (const [key, cost] of costs) {
    const row = { role, from, until, cost, isLocal, charges, isShared, expires, of: listIn(history.buckets, key) };
    const surplus = maxCharge !== undefined ? maxCharge - (role === DENIAL ? 0 : Math.max(0, cost)) : mayReach ? cost : 0;
    if (surplus > 0 && role !== NOTHING) row.surplus = { role: MAYBE, from, until: latest, cost: surplus, of: row.of };
    if (decisionId !== undefined) listIn(history.attempts, `${key} ${Math.sign(cost)} ${name} ${decisionId}`).push(row);
    for (const list of [row.of, charges]) list?.push(row);
  }
}
/** Attempts of one decision charge once: until the first that allows it, else as one open charge. Later ones may make again what expires. */
function joinAttempts(rows) {
  const [allowed, open] = [TAKE, MAYBE].map((role) => rows.filter((row) => row.role === role));
  const [admitting, possible] = allowed.some(({ isLocal }) => !isLocal) ? [allowed.filter(({ isLocal }) => !isLocal), []] : [allowed, open];
  const [from, cost, madeUs] = [rows.map((row) => row.from), rows.map((row) => row.cost), admitting.map((row) => row.until)].map(least);
  const mayBeAgain = cost > 0 && possible.length === 0 && rows.some(({ expires }) => expires);
  const again = mayBeAgain ? [...admitting, ...open].filter((row) => !row.isLocal && row.from > madeUs) : [];
  for (const { surplus } of rows) if (surplus !== undefined) surplus.role = NOTHING; // the checker joins these
  for (const row of admitting.length > 0 ? rows : possible) row.role = again.includes(row) ? MAYBE : NOTHING;
  if (admitting.length > 0) Object.assign(admitting[0], { role: TAKE, cost, from, until: madeUs });
  if (possible.length > 0) Object.assign(possible[0], { role: MAYBE, cost, from, until: most(possible.map(({ until }) => until)) });
}
async function readHistory(paths) {
  const history = { buckets: new Map(), attempts: new Map(), known: paths.map(() => NEVER), op: 0, clock: [], event: [], end: [], header: [] };
  if (new Set(paths).size < paths.length) refuse('a file is given twice');
  for (const [file, path] of paths.entries())
    for await (const record of readRecords(path))
      if (record.type === 'op') for (const one of withSteps(record, history.op++)) addOperation(history, one, file);
      else if (record.source === undefined) history[record.type]?.push(record); // no reading of a Date header
  history.isWhole = history.end.length === paths.length;
  if (history.isWhole && history.end.reduce((sum, { sent }) => sum + sent, 0) !== history.op) refuse('operations are missing');
  if (new Set(history.header.map(({ policy, policies }) => JSON.stringify([policy, policies]))).size > 1) refuse('policies differ');
  history.spreadUs = most(history.header.map((header) => clockSpreadUs(header, history)));
  history.isUnknown = history.header.some(({ initial }) => initial === 'unknown');
  for (const rows of history.attempts.values()) if (rows.length > 1) joinAttempts(rows);
  return history;
}
/** The most that the nodes' clocks can gain on the recorder's, or lose, between any two moments. Microseconds. */
function clockSpreadUs({ clocks, clockSlackUs }, { clock: readings, buckets }) {
  const starts = [...buckets.values()].flatMap((rows) => rows.filter(({ role }) => role !== UNSURE).map(({ from }) => from));
  const times = [...readings.map(({ atUs }) => atUs), least(starts), most(starts)].sort((a, b) => a - b);
  const driftUs = most(times.map((us, at) => us - (times[at - 1] ?? us))) / 500;
  const offsets = readings.flatMap(({ atUs, serverUs, errorUs }) => [-errorUs, errorUs].map((us) => serverUs - atUs + us));
  if (readings.length > 0) return (clockSlackUs ?? 0) + most(offsets) - least(offsets) + driftUs;
  return (clockSlackUs ?? (clocks === 'one' ? 0 : 1_000)) + (clocks === 'apart' ? driftUs : 0);
}
/** A clock of a certificate: piecewise linear, slow to drift, and in agreement with every reading of its nodes. */
function makeClock({ nodes, points }, { clock: readings, header }) {
  const exact = [[-1e18, points[0][1]], ...points, [1e18, points.at(-1)[1]]].map((point) => point.map(BigInt)); // flat beyond its points
  const isSteep = ([us, offset], at) => at > 0 && 1_000n * most([offset - exact[at - 1][1], exact[at - 1][1] - offset]) > us - exact[at - 1][0];
  if (exact.some(isSteep)) refuse('it drifts by more than 1,000 ppm');
  if (nodes.length === 0 && exact.some(([, offset]) => offset !== 0n)) refuse('it belongs to no node');
  const show = (us) => {
    const [[startUs, start], [endUs, end]] = exact.slice(exact.findIndex(([at]) => at > us) - 1);
    const [product, spanUs] = [(end - start) * (us - startUs), endUs - startUs];
    return us + start + product / spanUs - (product % spanUs < 0n ? 1n : 0n); // rounded down
  };
  const own = readings.filter(({ node }) => nodes.includes(node));
  const isOff = ({ atUs, serverUs, errorUs }) => Math.abs(Number(show(BigInt(Math.round(atUs))) - BigInt(Math.round(serverUs)))) > errorUs + 1;
  if (own.some(isOff)) refuse(`it contradicts a reading of ${own.find(isOff).node}`);
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
  const resets = fills.map(({ atUs }) => ({ role: TAKE, from: Math.ceil(atUs), until: NEVER, cost: -capacity, of: rows }));
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
      const [ideal, { role, from, until, cost }] = [ideals.get(charge.of) ?? no('charges another bucket, too'), charge];
      if (seen.size === seen.add(charge).size) no('is listed twice');
      if (role !== row.role || nowUs < show(BigInt(from)) || (until !== NEVER && nowUs > show(BigInt(until)))) no('is outside its interval');
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
  const listed = [...new Set(operations.map((at) => rows[at]))];
  if (listed.length === 0 || listed.some((row) => row?.role !== TAKE)) refuse('it lists another operation than admissions');
  const [fromUs, untilUs] = [least(listed.map(({ from }) => from)), most(listed.map(({ until }) => until))];
  const gains = [...rows, ...resets].filter(({ cost, from, role }) => cost < 0 && role !== NOTHING && from - history.spreadUs <= untilUs);
  const refill = perUs * BigInt(Math.ceil(untilUs - fromUs + history.spreadUs));
  return !isUnsure && BigInt(sumOf([...listed, ...gains])) * token > full + refill ? 'excess' : 'undecided';
}
/** Looks whether the bucket held the cost at every moment of a denial, with every other charge as late as it can be. */
function checkDenial({ operation }, [{ rows, full, token, perUs, isUnsure }], history) {
  const [denial, surpluses] = [rows[operation], rows.flatMap(({ surplus }) => surplus ?? [])];
  if (denial?.role !== DENIAL || denial.isLocal) refuse('it is no denial of the limiter');
  const others = [...rows, ...surpluses].filter(({ role, cost }) => cost > 0 && [TAKE, MAYBE].includes(role)).sort((a, b) => a.until - b.until);
  const isLow = (us) => {
    let [level, lastUs] = history.isUnknown ? [0n, Math.min(us, most(history.known))] : [full, 0];
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
process.stdout.write(`${JSON.stringify({ promise: history.promise, operations: history.op, buckets: history.buckets.size, ...found })}\n`);
