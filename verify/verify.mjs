// Checks a certificate against its history: node verify.mjs certificate.ndjson.gz history.ndjson; exit code 1: it is wrong.
// It uses no package and no code of the checker, and computes exactly. docs/verdict.md says what a certificate proves.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

const [TAKE, DENIAL, NOTHING, MAYBE] = [0, 1, 2, 3];
const ROLES = { allowed: TAKE, denied: DENIAL, failed: NOTHING, info: MAYBE };
const NEVER = Number.POSITIVE_INFINITY;
const least = (numbers) => numbers.reduce((a, b) => Math.min(a, b), NEVER);
const most = (numbers) => numbers.reduce((a, b) => Math.max(a, b), -NEVER);
const refuse = (why) => {
  throw new Error(why);
};
const keyOf = ({ bucket, policy = '' }) => JSON.stringify([bucket, policy]);

async function* readRecords(path) {
  const file = createReadStream(path);
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  for await (const line of createInterface({ input })) if (line !== '') yield JSON.parse(line);
}

/** What may be charged beyond the outcome. The request of a failure policy may still reach the shared bucket. */
function surplusOf({ outcome, maxCharge, decision }, cost) {
  if (outcome === 'failed') return 0;
  if (maxCharge !== undefined) return maxCharge - (outcome === 'denied' ? 0 : Math.max(0, cost));
  return decision?.source === 'fallback' && decision.charge !== 'none' && outcome !== 'info' ? cost : 0;
}

function addOperation({ buckets, attempts, firstUs }, op, path) {
  firstUs[path] ??= op.invokedUs; // charges are known from then on
  const [from, isLocal] = [op.invokedUs, op.decision?.source === 'fallback'];
  const until = (op.outcome === 'info' ? op.latestUs : op.completedUs) ?? NEVER;
  for (const { bucket, cost, policy } of op.charges ?? [op]) {
    const row = { role: ROLES[op.outcome], from, until, cost, isLocal, isShared: op.charges !== undefined };
    const surplus = surplusOf(op, cost);
    if (surplus > 0) row.surplus = { role: MAYBE, from, until: op.latestUs ?? NEVER, cost: surplus };
    const key = keyOf({ bucket, policy });
    (buckets.get(key) ?? buckets.set(key, []).get(key)).push(row);
    const id = `${key} ${Math.sign(cost)} ${op.decisionId}`;
    if (op.decisionId !== undefined) attempts.set(id, [...(attempts.get(id) ?? []), row]);
  }
}

/** Attempts of one decision charge once: from the first to the first answer that allows it, else as one open charge. */
function joinAttempts(rows) {
  const [allowed, open] = [TAKE, MAYBE].map((role) => rows.filter((row) => row.role === role));
  const shared = allowed.filter(({ isLocal }) => !isLocal);
  const admitting = shared.length > 0 ? shared : allowed;
  const rest = rows.filter((row) => !admitting.includes(row) && (shared.length > 0 || !open.includes(row)));
  const from = least(rows.map((row) => row.from));
  const merge = ([first, ...others], until) => {
    for (const row of others) row.role = NOTHING;
    if (first !== undefined) Object.assign(first, { from, until });
  };
  if (shared.length === 0) merge(open, most(open.map((row) => row.until)));
  merge([...admitting, ...(admitting.length > 0 ? rest : [])], least(admitting.map((row) => row.until)));
  for (const row of rows) row.surplus = undefined; // no proof uses them
}

async function readHistory(paths) {
  const history = { buckets: new Map(), attempts: new Map(), firstUs: {}, op: 0, clock: [], event: [], end: [], header: [] };
  for (const path of paths)
    for await (const record of readRecords(path))
      if (record.type === 'op') addOperation(history, record, path, history.op++);
      else history[record.type]?.push(record);
  const sent = history.end.reduce((sum, end) => sum + end.sent, 0);
  if (history.end.length === paths.length && sent !== history.op) refuse('operations are missing');
  for (const rows of history.attempts.values()) if (rows.length > 1) joinAttempts(rows);
  const [header, readings] = [history.header[0], history.clock.filter(({ source }) => source === undefined)];
  const isUnknown = history.header.some(({ initial }) => initial === 'unknown');
  const resets = history.event.filter(({ event }) => event === 'reset');
  return { ...history, header, isUnknown, readings, resets, spreadUs: clockSpreadUs(header, readings, history.buckets) };
}

/** The most that the nodes' clocks can gain on the recorder's, or lose, between any two moments. Microseconds. */
function clockSpreadUs({ clocks, clockSlackUs }, readings, buckets) {
  const starts = [...buckets.values()].flatMap((rows) => [rows[0].from, rows.at(-1).from]);
  const times = [...readings.map(({ atUs }) => atUs), least(starts), most(starts)].sort((a, b) => a - b);
  const unreadUs = most(times.map((us, at) => us - (times[at - 1] ?? us)));
  const offsets = readings.flatMap(({ atUs, serverUs, errorUs }) => [-errorUs, errorUs].map((us) => serverUs - atUs + us));
  if (readings.length > 0) return (clockSlackUs ?? 0) + most(offsets) - least(offsets) + unreadUs / 500;
  return (clockSlackUs ?? (clocks === 'one' ? 0 : 1_000)) + (clocks === 'apart' ? unreadUs / 500 : 0);
}

/** A clock of a certificate: piecewise linear, slow to drift, and in agreement with every reading of its nodes. */
function makeClock({ nodes, points }, readings) {
  const exact = points.map(([us, offset]) => [BigInt(us), BigInt(offset)]);
  for (const [at, [us, offset]] of exact.entries()) {
    const [spanUs, change] = [us - (exact[at - 1]?.[0] ?? us - 1n), 1_000n * (offset - (exact[at - 1]?.[1] ?? offset))];
    if (spanUs <= 0n || change > spanUs || -change > spanUs) refuse('it drifts by more than 1,000 ppm');
  }
  const show = (us) => {
    const after = exact.findIndex(([at]) => at > us);
    if (after <= 0) return us + exact.at(after)[1];
    const [[startUs, start], [endUs, end]] = exact.slice(after - 1);
    const [product, spanUs] = [(end - start) * (us - startUs), endUs - startUs];
    return us + start + product / spanUs - (product % spanUs < 0n ? 1n : 0n); // rounded down
  };
  for (const { node, atUs, serverUs, errorUs } of readings)
    if (nodes.includes(node) && Math.abs(Number(show(BigInt(atUs)) - BigInt(serverUs))) > errorUs)
      refuse(`it contradicts a reading of ${node}`);
  return show;
}

/** The policy of a bucket in quanta, and its resets. */
function policyOf({ header, resets }, { bucket, policy }) {
  const { capacity, refill } = policy === undefined ? header.policy : header.policies[policy];
  const [token, perUs] = [BigInt(refill.perUs), BigInt(refill.tokens)];
  const names = [undefined, bucket, ...(policy === undefined ? [] : [`${bucket} (${policy})`])];
  const rows = resets
    .filter(({ args }) => names.includes(args?.bucket))
    .map(({ atUs }) => ({ role: TAKE, from: atUs, until: NEVER, cost: -capacity }));
  return { full: BigInt(capacity) * token, token, perUs, resets: rows };
}

/** Runs the order of a proof through an ideal bucket. */
function checkProof(proof, rows, history, show) {
  const { full, token, perUs, resets } = policyOf(history, proof);
  const all = [...rows, ...resets];
  let level = BigInt(proof.start ?? full);
  if (rows.some(({ isShared }) => isShared)) refuse('its decisions charge several buckets');
  if (level < 0n || level > full || (level < full && !history.isUnknown)) refuse('its start is wrong');
  const seen = new Set();
  let [code, nowUs] = [0, 0n];
  for (const [at, stepUs] of proof.momentsUs.entries()) {
    code += proof.order[at];
    nowUs += BigInt(stepUs);
    if (at > 0 && stepUs < 0) refuse('its moments fall');
    if (at > 0) level += perUs * BigInt(stepUs);
    if (level > full) level = full;
    const row = (code & 1) === 1 ? all[code >> 1]?.surplus : all[code >> 1];
    if (row === undefined || row.role === NOTHING) refuse(`operation ${code >> 1} charges nothing`);
    if (seen.size === seen.add(row).size) refuse(`operation ${code >> 1} is listed twice`);
    const isLate = row.until !== NEVER && nowUs > show(BigInt(Math.floor(row.until)));
    if (isLate || nowUs < show(BigInt(Math.ceil(row.from)))) refuse(`operation ${code >> 1} is outside its interval`);
    const cost = BigInt(row.cost) * token;
    if (level < cost !== (row.role === DENIAL)) refuse(`operation ${code >> 1} gets another answer`);
    if (row.role !== DENIAL) level = level - cost > full ? full : level - cost;
  }
  const isDue = ({ role, cost }) => (role === TAKE ? cost !== 0 : role === DENIAL && proof.proves === 'all');
  for (const [at, row] of all.entries()) if (isDue(row) && !seen.has(row)) refuse(`operation ${at} is missing`);
}

/** Whether the listed admissions, wholly inside one window, exceed what an ideal bucket and all refunds allow. */
function isExcess({ fromUs, untilUs, operations, ...name }, rows, history) {
  const { full, token, perUs, resets } = policyOf(history, name);
  const listed = [...new Set(operations)].map((at) => rows[at]);
  if (listed.some(({ role, from, until }) => role !== TAKE || from < fromUs || until > untilUs)) refuse('its window is wrong');
  const gains = [...rows, ...resets].filter(({ cost, from }) => cost < 0 && from <= untilUs);
  const tokens = [...listed, ...gains].reduce((sum, { cost }) => sum + cost, 0);
  return BigInt(tokens) * token > full + perUs * BigInt(Math.ceil(untilUs - fromUs + history.spreadUs));
}

/** Whether the bucket held the cost at every moment of a denial, with every other charge as late as it can be. */
function isFalse({ operation, ...name }, rows, history) {
  const { full, token, perUs } = policyOf(history, name);
  const denial = rows[operation]?.role === DENIAL ? rows[operation] : refuse('it is no denial');
  const charges = rows.flatMap((row) => (row.surplus === undefined ? row : [row, row.surplus]));
  const others = charges.filter(({ role, cost }) => (role === TAKE || role === MAYBE) && cost > 0);
  const isLow = (us) => {
    const late = others.filter(({ from }) => from <= us).map(({ until, cost }) => [Math.min(until, us), cost]);
    let [level, lastUs] = history.isUnknown ? [0n, most(Object.values(history.firstUs))] : [full, 0];
    for (const [at, tokens] of [...late.sort(([a], [b]) => a - b), [us, 0]]) {
      level += perUs * BigInt(Math.floor(Math.max(0, at - lastUs)));
      level = (level > full ? full : level) - BigInt(tokens) * token;
      [level, lastUs] = [level < 0n ? 0n : level, at];
    }
    return level - perUs * BigInt(Math.ceil(history.spreadUs)) < BigInt(denial.cost) * token;
  };
  const between = others.filter(({ from }) => from > denial.from && from <= denial.until);
  return ![denial, ...between].some(({ from }) => isLow(from));
}

async function verify([certificate, ...paths]) {
  const history = await readHistory(paths);
  const found = { proved: 0, admissionsProved: 0, excess: 0, denial: 0, undecided: 0, replay: 0, refused: 0 };
  const [clocks, proven] = [[], new Set()];
  const kindOf = (record) => {
    const rows = history.buckets.get(keyOf(record)) ?? refuse('the history has no such bucket');
    if (record.type === 'replay') return 'replay';
    const holds = { excess: isExcess, denial: isFalse }[record.type]?.(record, rows, history);
    if (holds !== undefined) return holds ? record.type : 'undecided';
    if (proven.size === proven.add(keyOf(record)).size) refuse('it is proved twice');
    checkProof(record, rows, history, clocks[record.clock] ?? refuse('its clock is missing'));
    return record.proves === 'all' ? 'proved' : 'admissionsProved';
  };
  for await (const record of readRecords(certificate))
    try {
      if (record.type === 'clock') clocks[record.clock] = makeClock(record, history.readings);
      else if (record.bucket !== undefined) found[kindOf(record)]++;
    } catch (error) {
      found.refused++;
      process.stdout.write(`refused: ${record.bucket ?? record.type}: ${error.message}\n`);
    }
  process.stdout.write(`${JSON.stringify({ operations: history.op, buckets: history.buckets.size, ...found })}\n`);
  process.exitCode = found.refused > 0 ? 1 : 0;
}

await verify(process.argv.slice(2));
