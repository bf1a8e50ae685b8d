// Checks a certificate against its history: node verify.mjs certificate.ndjson.gz history.ndjson; exit code 1: it is wrong; 64: a
// file is missing or damaged. It uses no package and no code of the checker, and computes exactly. docs/certificates.md says what a
// certificate proves.
import { fail as refuse } from 'node:assert';
import { checkEnd, checkFields, readHead } from './certificate.mjs';
import { clockSpreadUs, makeClock, onBase } from './clocks.mjs';
import { CONTROL, readHistory } from './history.mjs';
import { DENIAL, keyOf, least, listIn, MAYBE, most, NEVER, NOTHING, sumOf, TAKE, UNSURE } from './operations.mjs';
import { readRecords } from './records.mjs';

/** What a bucket is held to: a window to N tokens, a sliding counter to a bucket of N + 1 that gains N in the length of a window. */
function idealOf({ header: [header], event, buckets, convicts, promise: { type, limit, windowUs } }, { bucket, policy }) {
  const [gain, rows] = [type === 'sliding-counter' ? 1 : 0, buckets.get(keyOf({ bucket, policy })) ?? refuse('the history has no such bucket')];
  const ofWindow = { capacity: limit + gain, refill: { tokens: limit * gain, perUs: windowUs } };
  const { capacity, refill } = type !== 'token-bucket' ? ofWindow : policy === undefined ? header.policy : header.policies[policy];
  const [size, token, perUs] = [capacity, refill.perUs, refill.tokens].map(BigInt);
  const full = size * token;
  const own = event.filter(({ args }) => [undefined, bucket, policy && `${bucket} (${policy})`].includes(args?.bucket ?? undefined));
  const [isMoved, fills] = [own.some((one) => one.event === 'move'), own.filter((one) => one.event === 'reset')];
  const resets = fills.map(({ atUs, args, machine }) => ({
    role: TAKE,
    machine,
    from: Math.ceil(atUs),
    until: Math.ceil(args?.untilUs ?? NEVER),
    cost: -capacity,
    of: rows,
  }));
  if (rows.some(({ isShared }) => isShared)) refuse('it has reservations of several buckets');
  const isUnsure = !convicts || type !== 'token-bucket' || isMoved || rows.some(({ charges }) => charges !== undefined); // no conviction
  return { rows, resets, mayOmit: isMoved, full, token, perUs, level: full, log: type === 'sliding-window' ? [] : undefined, isUnsure };
}

/** Runs the order of a proof through the ideal limiters of its buckets. */
function checkProof({ clock, start = [1, 1], order, momentsUs, proves }, members, history) {
  const [{ type, alignment, windowUs }, own] = [history.promise, history.clocks.get(clock) ?? refuse('its clock is missing')];
  const { show, nodes, isOfAll, datesFromUs } = own;
  const [ideals, [first], seen, lengthUs] = [new Map(members.map((ideal) => [ideal.rows, ideal])), members, new Set(), BigInt(windowUs ?? 0)];
  const all = [...members.flatMap(({ rows }) => rows), ...members.flatMap(({ resets }) => resets)];
  first.level = (first.full * BigInt(start[0])) / BigInt(start[1]);
  if (first.level > first.full || first.level < (history.isUnknown && first.log === undefined ? 0n : first.full)) refuse('its start is wrong');
  if (order.length !== momentsUs.length) refuse('its lists differ in length');
  if (proves !== 'all' && ![history, ...members, ...all].some((one) => one.mayOmit || one.isLocal)) refuse('it leaves out denials without a reason');
  let [code, isOwn, nowUs, endUs] = [0, isOfAll, 0n, type === 'fixed-window' ? -NEVER : NEVER];
  const no = (why) => refuse(`operation ${Math.floor(code / 2)} ${why}`);
  const rowOf = (one) => (one % 2 === 1 ? all[(one - 1) / 2]?.surplus : all[one / 2]);
  const isAdmission = (row) => [TAKE, MAYBE].includes(row?.role) && row.cost > 0;
  for (const [at, stepUs] of momentsUs.entries()) {
    [code, nowUs] = [code + order[at], nowUs + BigInt(stepUs)];
    if (at > 0 && stepUs < 0) refuse('its moments fall');
    if (type === 'fixed-window' && code === 2 * all.length) {
      const isFirst = momentsUs[at + 1] === 0 && isAdmission(rowOf(code + order[at + 1]));
      const isRight = { epoch: nowUs % lengthUs === 0n, first: isFirst, any: true }[alignment];
      if (!isRight || nowUs < endUs) refuse('a window begins at a wrong moment');
      [first.level, endUs] = [endUs === -NEVER ? first.level : first.full, nowUs + lengthUs];
      continue;
    }
    let [row, lacks] = [rowOf(code), false];
    if ([undefined, NOTHING, UNSURE].includes(row?.role)) no('charges nothing, or may have given back nothing');
    if (!isOfAll && row.shownUs !== undefined) {
      if (nowUs !== BigInt(row.shownUs)) no(`is not when the clock of ${row.node} showed`);
      isOwn ||= nodes.includes(row.node);
    }
    for (const charge of row.charges ?? [row]) {
      const [ideal, { role, machine, from, until, cost }] = [ideals.get(charge.of) ?? no('charges another bucket, too'), charge];
      if (seen.size === seen.add(charge).size) no('is listed twice');
      if (cost > 0 && alignment === 'epoch' && nowUs < datesFromUs) refuse('its clock has no time of day');
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
  if (!isOwn) refuse('its clock is of nodes that decided none of its operations');
  if (all.some(({ isUnclear, role }) => isUnclear && role !== NOTHING)) refuse('it has a reservation of which it is unknown how much it held');
  const isDue = ({ role, cost }) => (role === TAKE ? cost !== 0 : role === DENIAL && proves === 'all');
  for (const [at, row] of all.entries()) if (isDue(row) && !seen.has(row)) refuse(`operation ${at} is missing`);
  return proves === 'all' ? 'proved' : 'admissionsProved';
}

/** When each file has begun, at the latest: a history that begins in mid-traffic lacks what ended before. */
function knownFromUs(history) {
  const ofLoad = history.files.filter(({ name }) => name !== CONTROL);
  return most(ofLoad.map(({ machine, knownUs }) => onBase({ machine, from: knownUs, until: knownUs }, history).until));
}

/**
 * Compares the listed admissions with what an ideal bucket and all refunds allow in the window that they span. If the history
 * begins in mid-traffic, a refund that it lacks may have paid for those that began by its first reply.
 */
function checkExcess({ operations }, [{ rows, full, token, perUs, resets, isUnsure }], history) {
  const own = [...new Set(operations.map((at) => rows[at]))];
  if (own.length === 0 || own.some((row) => row?.role !== TAKE)) refuse('it lists another operation than admissions');
  const listed = own.map((row) => onBase(row, history));
  const sinceUs = history.isUnknown ? knownFromUs(history) : -NEVER;
  const [fromUs, untilUs] = [least(listed.map(({ from }) => from)), most(listed.map(({ until }) => until))];
  const refunds = [...rows, ...resets].filter(({ cost, role }) => cost < 0 && role !== NOTHING);
  const gains = refunds.map((row) => onBase(row, history)).filter(({ from }) => from - history.spreadUs <= untilUs);
  const refill = perUs * (BigInt(untilUs) - BigInt(fromUs) + BigInt(Math.ceil(history.spreadUs))); // a difference may be above 2^53
  const counted = [...listed.filter(({ from }) => from > sinceUs), ...gains];
  const isOver = ({ name, cost }) => name === 'take' && BigInt(cost) * token > full; // an extension costs as much as the work did
  const isAbove = BigInt(sumOf(counted)) * token > full + refill || own.some(isOver);
  return !isUnsure && isAbove ? 'excess' : 'undecided';
}

/** Looks whether the bucket held the cost at every moment of a denial, with every other charge as late as it can be. */
function checkDenial({ operation }, [{ rows, full, token, perUs, isUnsure }], history) {
  if (rows[operation]?.role !== DENIAL || rows[operation].isLocal || !(rows[operation].cost > 0)) refuse('it is no denial of the limiter');
  const [denial, surpluses] = [onBase(rows[operation], history), rows.flatMap(({ surplus }) => surplus ?? [])];
  const charges = [...rows, ...surpluses].filter(({ role, cost }) => cost > 0 && [TAKE, MAYBE].includes(role));
  const others = charges.map((row) => onBase(row, history)).sort((a, b) => a.until - b.until);
  // a bucket whose time was ahead of its node's clock waits until the clock has caught up
  const [sinceUs, lagQuanta] = [knownFromUs(history), perUs * BigInt(Math.ceil(history.spreadUs + history.aheadUs))];
  const isLow = (us) => {
    let [level, lastUs] = history.isUnknown ? [0n, Math.min(us, sinceUs)] : [full, 0];
    for (const { until, cost } of [...others.filter(({ from }) => from <= us), { until: us, cost: 0 }]) {
      const atUs = Math.max(lastUs, Math.min(until, us));
      [level, lastUs] = [most([0n, least([full, level + perUs * BigInt(atUs - lastUs)]) - BigInt(cost) * token]), atUs];
    }
    return level - lagQuanta < BigInt(denial.cost) * token;
  };
  const moments = [denial, ...others.filter(({ from }) => from > denial.from && from <= denial.until)];
  return isUnsure || surpluses.some(({ role }) => role === NOTHING) || moments.some(({ from }) => isLow(from)) ? 'undecided' : 'denial';
}

/** A group is of buckets that share decisions, each with another one of it. */
function checkGroup(record, members, history) {
  if (history.promise.type.endsWith('window')) refuse('it is of windows, which are proved bucket by bucket');
  const reached = new Set([members[0].rows]);
  for (const rows of reached) for (const { charges = [] } of rows) for (const { of } of charges) reached.add(of); // also goes through those that it adds
  if (!members.every(({ rows }) => reached.has(rows))) refuse('it has buckets that share no decision');
  return checkProof(record, members, history);
}

const checkReplay = ({ operation }, [{ rows }]) => (rows[operation] === undefined ? refuse('it has no such operation') : 'replay');
const CHECKS = { proof: checkProof, group: checkGroup, excess: checkExcess, denial: checkDenial, replay: checkReplay };

/** Checks a proof or a conviction, and counts what it shows. A bucket has one proof, or at most one conviction of each kind. */
function checkBuckets(record, { history, found, listed }) {
  const { type, members: names = [record] } = record;
  const check = CHECKS[type] ?? refuse('it is not the first record');
  for (const name of names) {
    const before = listIn(listed, keyOf(name));
    const isProved = [type, ...before].some((one) => one === 'proof' || one === 'group');
    if (before.push(type) > 1 && (isProved || before.indexOf(type) < before.length - 1)) refuse('it is listed twice');
  }
  if (type === 'excess' || type === 'denial') history.spreadUs ??= clockSpreadUs(history);
  const members = names.map((name) => idealOf(history, name));
  found[check(record, members, history)] += names.length;
}

function checkRecord(record, state) {
  const { history } = state;
  if (state.end !== undefined) refuse('it follows the end');
  if (history.promise === undefined) return void Object.assign(history, readHead(record));
  checkFields(record);
  if (record.type === 'end') state.end = record;
  else if (record.type !== 'clock') checkBuckets(record, state);
  else if (history.clocks.has(record.clock)) refuse('its number is that of another clock');
  else history.clocks.set(record.clock, makeClock(record, history));
}

async function verify([certificate, ...paths]) {
  if (paths.length === 0) refuse('give it a certificate, and the files of its history');
  const history = { ...(await readHistory(paths)), clocks: new Map() };
  const found = { proved: 0, admissionsProved: 0, excess: 0, denial: 0, undecided: 0, replay: 0, refused: 0 };
  const state = { history, found, listed: new Map(), end: undefined };
  const attempt = (name, run) => {
    try {
      run();
    } catch (error) {
      [found.refused, process.exitCode] = [found.refused + 1, 1];
      process.stdout.write(`refused: ${JSON.stringify(String(name)).slice(1, -1)}: ${error.message}\n`);
    }
  };
  for await (const record of readRecords(certificate))
    attempt(record.bucket ?? record.members?.[0]?.bucket ?? record.type, () => checkRecord(record, state));
  attempt('end', () => checkEnd(state.end ?? refuse('there is none'), state));
  const simulated = history.header.some((one) => one.simulated === true) ? { simulated: true } : {};
  const { promise, op: operations, buckets, isEnded, others } = history;
  const absent = { ...(!isEnded && { ended: false }), ...(others !== 0 && { others }) };
  process.stdout.write(`${JSON.stringify({ ...simulated, ...absent, promise, operations, buckets: buckets.size, ...found })}\n`);
}

await verify(process.argv.slice(2)).catch((error) => {
  process.exitCode = 64; // a file cannot be read, or is damaged
  process.stderr.write(`${error.message}\n`);
});
