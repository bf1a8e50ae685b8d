// Checks a certificate against its history: node verify.mjs certificate.ndjson.gz history.ndjson; exit code 1: it is wrong.
// It uses no package and no code of the checker, and computes exactly. docs/certificates.md says what a certificate proves.
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
const divisor = (a, b) => (b === 0n ? a : divisor(b, a % b));
const keyOf = ({ bucket, policy = '' }) => JSON.stringify([bucket, policy]);

async function* readRecords(path) {
  const input = path.endsWith('.gz') ? createReadStream(path).pipe(createGunzip()) : createReadStream(path);
  for await (const line of createInterface({ input })) if (line !== '') yield JSON.parse(line);
}

/** What may be charged beyond the outcome. The request of a failure policy may still reach the shared bucket. */
function surplusOf({ outcome, maxCharge, decision }, cost) {
  if (maxCharge !== undefined) return maxCharge - (outcome === 'denied' ? 0 : Math.max(0, cost));
  return decision?.source === 'fallback' && decision.charge !== 'none' && outcome !== 'info' ? cost : 0;
}

function addOperation(history, op, path) {
  const [from, isLocal] = [Math.floor(op.invokedUs), op.decision?.source === 'fallback'];
  const until = Math.ceil((op.outcome === 'info' ? op.latestUs : op.completedUs) ?? NEVER);
  const role = ROLES[op.outcome] ?? refuse(`the outcome ${op.outcome} is unknown`);
  [history.firstUs, history.lastUs] = [Math.min(history.firstUs ?? from, from), Math.max(history.lastUs ?? from, from)];
  if (op.decisionId === undefined && op.maxCharge === undefined && !isLocal) history.known[path] = Math.min(history.known[path] ?? NEVER, until);
  for (const { bucket, cost, policy } of op.charges ?? [op]) {
    const row = { role, from, until, cost, isLocal, isShared: op.charges !== undefined };
    const surplus = role === NOTHING ? 0 : surplusOf(op, cost);
    if (surplus > 0) row.surplus = { role: MAYBE, from, until: Math.ceil(op.latestUs ?? NEVER), cost: surplus };
    const key = keyOf({ bucket, policy });
    (history.buckets.get(key) ?? history.buckets.set(key, []).get(key)).push(row);
    const id = `${key} ${Math.sign(cost)} ${op.decisionId}`;
    if (op.decisionId !== undefined) history.attempts.set(id, [...(history.attempts.get(id) ?? []), row]);
  }
}

/** Attempts of one decision charge once: from the first to the first answer that allows it, else as one open charge. */
function joinAttempts(rows) {
  const [allowed, open] = [TAKE, MAYBE].map((role) => rows.filter((row) => row.role === role));
  const shared = allowed.filter(({ isLocal }) => !isLocal);
  const admitting = shared.length > 0 ? shared : allowed;
  const rest = rows.filter((row) => !admitting.includes(row) && (shared.length > 0 || !open.includes(row)));
  const merge = ([first, ...others], until) => {
    for (const row of others) row.role = NOTHING;
    if (first !== undefined) Object.assign(first, { from: least(rows.map(({ from }) => from)), until });
  };
  if (shared.length === 0) merge(open, most(open.map((row) => row.until)));
  merge([...admitting, ...(admitting.length > 0 ? rest : [])], least(admitting.map((row) => row.until)));
  for (const { surplus } of rows) if (surplus !== undefined) surplus.role = NOTHING; // the checker joins these
}

async function readHistory(paths) {
  const history = { buckets: new Map(), attempts: new Map(), known: {}, op: 0, clock: [], event: [], end: [], header: [], clocks: new Map() };
  if (new Set(paths).size < paths.length) refuse('a file is given twice');
  for (const path of paths)
    for await (const record of readRecords(path))
      if (record.type === 'op') addOperation(history, record, path, history.op++);
      else if (record.source === undefined) history[record.type]?.push(record); // no reading of a Date header
  history.isWhole = history.end.length === paths.length;
  if (history.isWhole && history.end.reduce((sum, { sent }) => sum + sent, 0) !== history.op) refuse('operations are missing');
  if (new Set(history.header.map(({ policy, policies }) => JSON.stringify([policy, policies]))).size > 1) refuse('policies differ');
  for (const rows of history.attempts.values()) if (rows.length > 1) joinAttempts(rows);
  history.isUnknown = history.header.some(({ initial }) => initial === 'unknown');
  history.spreadUs = most(history.header.map((header) => clockSpreadUs(header, history)));
  return history;
}

/** The most that the nodes' clocks can gain on the recorder's, or lose, between any two moments. Microseconds. */
function clockSpreadUs({ clocks, clockSlackUs }, { clock: readings, firstUs, lastUs }) {
  const times = [...readings.map(({ atUs }) => atUs), firstUs, lastUs].sort((a, b) => a - b);
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
  if (nodes.length === 0 && exact.some(([, offset]) => offset !== 0n)) refuse('it belongs to no node');
  const show = (us) => {
    const after = exact.findIndex(([at]) => at > us);
    if (after <= 0) return us + exact.at(after)[1];
    const [[startUs, start], [endUs, end]] = exact.slice(after - 1);
    const [product, spanUs] = [(end - start) * (us - startUs), endUs - startUs];
    return us + start + product / spanUs - (product % spanUs < 0n ? 1n : 0n); // rounded down
  };
  for (const { node, atUs, serverUs, errorUs } of readings)
    if (nodes.includes(node) && Math.abs(Number(show(BigInt(Math.round(atUs))) - BigInt(Math.round(serverUs)))) > errorUs + 1)
      refuse(`it contradicts a reading of ${node}`);
  return show;
}

function policyOf({ header: [header], event }, { bucket, policy }) {
  const { capacity, refill } = policy === undefined ? header.policy : header.policies[policy];
  const common = divisor(BigInt(refill.perUs), BigInt(refill.tokens));
  const [token, perUs] = [BigInt(refill.perUs) / common, BigInt(refill.tokens) / common];
  const names = [undefined, bucket, ...(policy === undefined ? [] : [`${bucket} (${policy})`])];
  const own = event.filter((one) => one.event === 'reset' && names.includes(one.args?.bucket));
  const resets = own.map(({ atUs }) => ({ role: TAKE, from: Math.ceil(atUs), until: NEVER, cost: -capacity }));
  return { full: BigInt(capacity) * token, token, perUs, resets };
}

/** Runs the order of a proof through an ideal bucket. */
function checkProof(proof, rows, history) {
  const show = history.clocks.get(proof.clock) ?? refuse('its clock is missing');
  const { full, token, perUs, resets } = policyOf(history, proof);
  const all = [...rows, ...resets];
  let level = BigInt(proof.start ?? full);
  if (level < 0n || level > full || (level < full && !history.isUnknown)) refuse('its start is wrong');
  if (proof.order.length !== proof.momentsUs.length) refuse('its lists differ in length');
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
    const isLate = row.until !== NEVER && nowUs > show(BigInt(row.until));
    if (isLate || nowUs < show(BigInt(row.from))) refuse(`operation ${code >> 1} is outside its interval`);
    const cost = BigInt(row.cost) * token;
    if (level < cost !== (row.role === DENIAL)) refuse(`operation ${code >> 1} gets another answer`);
    if (row.role !== DENIAL) level = level - cost > full ? full : level - cost;
  }
  const isDue = ({ role, cost }) => (role === TAKE ? cost !== 0 : role === DENIAL && proof.proves === 'all');
  for (const [at, row] of all.entries()) if (isDue(row) && !seen.has(row)) refuse(`operation ${at} is missing`);
  return proof.proves === 'all' ? 'proved' : 'admissionsProved';
}

/** Compares the listed admissions with what an ideal bucket and all refunds allow in the window that they span. */
function checkExcess({ operations, ...name }, rows, history) {
  const { full, token, perUs, resets } = policyOf(history, name);
  const listed = [...new Set(operations.map((at) => rows[at]))];
  if (listed.length === 0 || listed.some((row) => row?.role !== TAKE)) refuse('it lists another operation than admissions');
  const [fromUs, untilUs] = [least(listed.map(({ from }) => from)), most(listed.map(({ until }) => until))];
  const gains = [...rows, ...resets].filter(({ cost, from }) => cost < 0 && from <= untilUs);
  const tokens = listed.concat(gains).reduce((sum, { cost }) => sum + cost, 0);
  const allowed = full + perUs * BigInt(Math.ceil(untilUs - fromUs + history.spreadUs));
  return history.isWhole && BigInt(tokens) * token > allowed ? 'excess' : 'undecided';
}

/** Looks whether the bucket held the cost at every moment of a denial, with every other charge as late as it can be. */
function checkDenial({ operation, ...name }, rows, history) {
  const { full, token, perUs } = policyOf(history, name);
  const denial = rows[operation]?.role === DENIAL ? rows[operation] : refuse('it is no denial');
  if (denial.isLocal) refuse('a failure policy denied it');
  const isUnsure = !history.isWhole || rows.some(({ surplus }) => surplus?.role === NOTHING);
  const others = rows.flatMap((row) => [row, row.surplus ?? []].flat()).filter(({ role, cost }) => role !== NOTHING && role !== DENIAL && cost > 0);
  const isLow = (us) => {
    const late = others.filter(({ from }) => from <= us).map(({ until, cost }) => [Math.min(until, us), cost]);
    let [level, lastUs] = history.isUnknown ? [0n, most(Object.values(history.known))] : [full, 0];
    for (const [at, tokens] of [...late.sort(([a], [b]) => a - b), [us, 0]]) {
      level += perUs * BigInt(Math.floor(Math.max(0, at - lastUs)));
      level = (level > full ? full : level) - BigInt(tokens) * token;
      [level, lastUs] = [level < 0n ? 0n : level, Math.max(lastUs, at)];
    }
    return level - perUs * BigInt(Math.ceil(history.spreadUs)) < BigInt(denial.cost) * token;
  };
  const isBetween = ({ from }) => from > denial.from && from <= denial.until;
  return isUnsure || [denial, ...others.filter(isBetween)].some(({ from }) => isLow(from)) ? 'undecided' : 'denial';
}

const CHECKS = { proof: checkProof, excess: checkExcess, denial: checkDenial, replay: () => 'replay' };
async function verify([certificate, ...paths]) {
  const history = await readHistory(paths);
  const [done, found] = [new Set(), { proved: 0, admissionsProved: 0, excess: 0, denial: 0, undecided: 0, replay: 0, refused: 0 }];
  for await (const record of readRecords(certificate))
    try {
      if (record.type === 'clock') history.clocks.set(record.clock, makeClock(record, history.clock));
      if (record.bucket === undefined) continue;
      const rows = history.buckets.get(keyOf(record)) ?? refuse('the history has no such bucket');
      const isShared = rows.some((row) => row.isShared);
      if (isShared && record.type === 'proof') refuse('its decisions charge several buckets');
      if (done.size === done.add(`${record.type} ${keyOf(record)}`).size) refuse('it is listed twice');
      found[isShared ? 'undecided' : CHECKS[record.type](record, rows, history)]++;
    } catch (error) {
      found.refused++;
      process.stdout.write(`refused: ${JSON.stringify(record.bucket ?? record.type).slice(1, -1)}: ${error.message}\n`);
    }
  process.stdout.write(`${JSON.stringify({ operations: history.op, buckets: history.buckets.size, ...found })}\n`);
  process.exitCode = found.refused > 0 ? 1 : 0;
}
await verify(process.argv.slice(2));
