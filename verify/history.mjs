// Reads a history for verify.mjs, without packages and without code of the checker: files, operations, attempts, parts.
import { fail as refuse } from 'node:assert';
import { createHash } from 'node:crypto';
import { readRecords } from './records.mjs';

/** What an operation may do in a proof. */
export const [TAKE, DENIAL, NOTHING, MAYBE, UNSURE] = ['allowed', 'denied', 'failed', 'info', Symbol('may give back')];
/** The part that sends no load; no region has a space. */
export const CONTROL = 'control part';
export const NEVER = Number.POSITIVE_INFINITY;
export const least = (numbers) => numbers.reduce((a, b) => (b < a ? b : a), NEVER);
export const most = (numbers) => numbers.reduce((a, b) => (b > a ? b : a), -NEVER);
export const sumOf = (rows) => rows.reduce((sum, { cost }) => sum + cost, 0);
export const keyOf = ({ bucket, policy = null }) => JSON.stringify([bucket, policy]);
const isFiniteIfGiven = (value) => value === undefined || value === null || Number.isFinite(value);
const isTextIfGiven = (value) => value === undefined || typeof value === 'string';
export const listIn = (map, key) => map.get(key) ?? map.set(key, []).get(key);

/** The history of some files. Times are of the recorder's clock; of a run in parts, of the machine of each record. */
export async function readHistory(paths) {
  const files = paths.map(() => ({ machine: '', knownUs: NEVER }));
  const history = { buckets: new Map(), attempts: new Map(), op: 0, clock: [], ping: [], event: [], end: [], header: [], files };
  if (new Set(paths).size < paths.length) refuse('a file is given twice');
  for (const [at, path] of paths.entries()) await readFile(path, files[at], history);
  history.isWhole = history.end.length === paths.length;
  if (history.isWhole && history.end.reduce((sum, { sent }) => sum + sent, 0) !== history.op) refuse('operations are missing');
  if (new Set(history.header.map(({ policy, policies }) => JSON.stringify([policy, policies]))).size > 1) refuse('policies differ');
  for (const list of [history.event, ...history.buckets.values(), ...history.attempts.values()]) list.sort(byPart);
  history.isUnknown = history.header.some(({ initial }) => initial !== 'full');
  for (const rows of history.attempts.values()) if (rows.length > 1) joinAttempts(rows);
  history.base = files.some(({ run }) => run !== undefined) ? findBase(history) : '';
  if (history.base === '') history.ping = []; // all times are of one clock
  return history;
}

/** The files of a run in parts may be given in any order, and count in that of the names. Files that are no parts keep theirs. */
const byPart = ({ part: a = '' }, { part: b = '' }) => Number(a > b) - Number(a < b);

/** The records that are kept as they are. */
const KEPT = ['clock', 'event', 'end', 'header'];

async function readFile(path, file, history) {
  const hash = createHash('sha256');
  for await (const record of readRecords(path, hash)) {
    if (record.type === 'header') Object.assign(file, record.part, record.part?.kind === 'control' && { name: CONTROL });
    if (file.name === CONTROL && record.type === 'op') refuse(`the ${CONTROL} has an operation`);
    if (record.type === 'op') for (const one of withSteps(record, history.op++)) addOperation(history, one, file);
    else if (record.type === 'clock' && record.source === 'machine') history.ping.push({ ...record, machine: file.machine });
    else if (KEPT.includes(record.type) && record.source !== 'date' && (file.name !== CONTROL || record.type !== 'header'))
      history[record.type].push({ ...record, machine: file.machine, part: file.name });
    if (record.type === 'end' && file.hasEnd) refuse('the history has a second end');
    file.hasEnd ||= record.type === 'end';
    file.isAsWritten = record.type === 'end' && record.digest === hash.copy().digest('hex'); // and nothing follows
  }
}

/**
 * Of a run in parts: the base, which is the clock that its machines have read. Each part must be there once, of one plan, and
 * as it was written.
 */
function findBase({ files, ping }) {
  const [[{ run, plan, of, machine }], nameOf] = [files, ({ name }) => (name === CONTROL ? name : `part ${name}`)];
  const names = files.map((file) => (file.run === run && file.plan === plan ? file.name : 'a file of another run'));
  const expected = files.some(({ name, control }) => name === CONTROL || control) ? [...(of ?? []), CONTROL] : of;
  if (names.toSorted().join() !== expected?.toSorted().join()) refuse(`the run has the parts ${expected?.join(', ')}; found ${names.join(', ')}`);
  const altered = files.find(({ isAsWritten }) => !isAsWritten);
  if (altered !== undefined) refuse(`the ${nameOf(altered)} was cut short, or altered after it was written`);
  const base = ping[0]?.node ?? machine;
  const isRead = (file) => file.machine === base || ping.some((one) => one.machine === file.machine && one.node === base);
  const apart = files.find((file) => !isRead(file));
  if (apart !== undefined) refuse(`the ${nameOf(apart)} has no reading of the clock ${base}`);
  return base;
}

/** An operation, then what follows a reservation: extensions, a settlement that gives back the rest, an expiry that may give back all. */
function* withSteps({ extended = [], settled, expiresUs, ...op }) {
  const { bucket, policy, decisionId, cost = 1 } = op;
  const isPlain = extended.length === 0 && settled === undefined && expiresUs === undefined;
  if (isPlain) return yield Object.assign(op, { cost, name: 'take', goesOn: false, isUnclear: false, expires: false });
  const [expires, isHeld] = [expiresUs !== undefined, ({ outcome }) => [TAKE, MAYBE].includes(outcome)];
  const stepOf = ({ outcome, invokedUs, completedUs, latestUs, ...step }) => ({
    outcome,
    invokedUs,
    completedUs,
    latestUs,
    cost: tokensOf(step, op),
  });
  const steps = extended.map((step, name) => ({ ...stepOf(step), name })).filter((step) => step.cost !== 0);
  const [held, has] = [cost + sumOf(steps.filter(isHeld)), (outcome) => steps.some((step) => step.outcome === outcome)];
  if (settled !== undefined) {
    const [{ outcome, ...step }, isOpen] = [stepOf(settled), has(MAYBE)]; // it is unknown how much an open extension holds
    const isUnclear = isOpen && outcome === TAKE;
    steps.push({ ...step, outcome: isOpen || outcome === MAYBE ? UNSURE : outcome, cost: step.cost - held, isUnclear, name: 'settle' });
  }
  if (expiresUs !== undefined) steps.push({ invokedUs: expiresUs, outcome: UNSURE, cost: -held, name: 'expire' });
  const all = isHeld(op) ? steps.map((step) => ({ ...step, bucket, policy, decisionId, goesOn: true, expires })) : [];
  const isMade = op.outcome === MAYBE && settled?.outcome === TAKE; // or nothing were held
  const made = isMade ? { outcome: TAKE, completedUs: settled.completedUs, isUnclear: false } : { isUnclear: op.outcome === MAYBE && has(TAKE) };
  yield* [{ ...op, ...made, cost, name: 'take', goesOn: all.length > 0, expires: expires && isHeld(op) }, ...(op.charges === undefined ? all : [])];
}

/** The tokens of a step of a reservation in its bucket. */
function tokensOf({ cost, charges }, op) {
  return charges === undefined ? cost : sumOf(charges.filter((one) => keyOf(one) === keyOf(op)).map((one) => ({ cost: costOf(one) })));
}

const costOf = ({ cost }) => cost ?? 1;

/** Adds a row for each bucket that is charged; its surplus may be charged beyond the outcome. */
function addOperation(history, op, file) {
  const { machine, name: part } = file;
  const { outcome: role, maxCharge, decision, decisionId, name, goesOn, isUnclear, expires } = op;
  if (![TAKE, DENIAL, NOTHING, MAYBE, UNSURE].includes(role)) refuse(`the outcome ${role} is unknown`);
  const areNumbers = Number.isFinite(op.invokedUs) && isFiniteIfGiven(op.completedUs) && isFiniteIfGiven(op.latestUs) && isFiniteIfGiven(maxCharge);
  if (!areNumbers) refuse('an operation has a number that is none');
  if (!isTextIfGiven(decisionId)) refuse('a decisionId is no text');
  const [from, isLocal, latest] = [Math.floor(op.invokedUs), decision?.source === 'fallback', Math.ceil(op.latestUs ?? NEVER)];
  const until = role === MAYBE ? latest : Math.ceil(op.completedUs ?? NEVER);
  if (decisionId === undefined && maxCharge === undefined && !isLocal && !goesOn) file.knownUs = Math.min(file.knownUs, until);
  const mayReach = isLocal && decision.charge !== 'none' && role !== MAYBE; // a failure policy answered while its request was under way
  const costs = new Map(); // a bucket that is charged twice is charged the sum
  for (const charge of op.charges ?? [op]) costs.set(keyOf(charge), (costs.get(keyOf(charge)) ?? 0) + costOf(charge));
  const isReported = decision?.source === 'redis' && decision.node && decision.level !== undefined && op.charges === undefined;
  const [shownUs, node] = isReported ? [decision.bucketUs ?? undefined, decision.node] : []; // the moment, by the clock of its node
  const [charges, isShared] = [costs.size > 1 ? [] : undefined, goesOn && op.charges !== undefined]; // all or none
  for (const [key, cost] of costs) {
    if (!Number.isSafeInteger(cost)) refuse('a cost is no whole number');
    const row = {
      role,
      machine,
      part,
      from,
      until,
      cost,
      isLocal,
      charges,
      isShared,
      isUnclear,
      expires,
      of: listIn(history.buckets, key),
      shownUs,
      node,
    };
    const surplus = maxCharge !== undefined ? maxCharge - (role === DENIAL ? 0 : Math.max(0, cost)) : mayReach ? cost : 0;
    if (surplus > 0 && role !== NOTHING) row.surplus = { role: MAYBE, machine, from, until: latest, cost: surplus, of: row.of };
    if (row.surplus !== undefined && decisionId !== undefined) row.shownUs = undefined; // they count as attempts of one decision
    const attempts = decisionId === undefined ? [] : listIn(history.attempts, `${key} ${Math.sign(cost)} ${name} ${decisionId}`);
    if (attempts.push(row) > 1 && attempts[0].cost !== cost && name !== 'settle' && name !== 'expire')
      refuse('attempts of one decision differ in cost');
    for (const list of [row.of, charges]) list?.push(row);
  }
}

/** Attempts of one decision charge once: until the first that allows it, else as one open charge. Later ones may make again what expires. */
function joinAttempts(rows) {
  const [allowed, open] = [TAKE, MAYBE].map((role) => rows.filter((row) => row.role === role));
  const [admitted, possible] = allowed.some(({ isLocal }) => !isLocal) ? [allowed.filter(({ isLocal }) => !isLocal), []] : [allowed, open];
  const [from, cost, madeUs] = [rows.map((row) => row.from), rows.map((row) => row.cost), admitted.map((row) => row.until)].map(least);
  if (rows.some(({ machine }) => machine !== rows[0].machine)) refuse('a decision has attempts on several machines');
  const mayBeAgain = cost > 0 && possible.length === 0 && rows.some(({ expires }) => expires);
  const again = mayBeAgain ? [...admitted, ...open].filter((row) => !row.isLocal && row.from > madeUs) : [];
  const admitting = admitted.filter((row) => !again.includes(row));
  for (const row of rows) row.shownUs = undefined; // it is unknown which attempt charged
  for (const { surplus } of rows) if (surplus !== undefined) surplus.role = NOTHING; // the checker joins these
  for (const row of admitting.length > 0 ? rows : possible) row.role = again.includes(row) ? MAYBE : NOTHING;
  if (admitting.length > 0) Object.assign(admitting[0], { role: TAKE, cost, from, until: madeUs });
  if (possible.length > 0) Object.assign(possible[0], { role: MAYBE, cost, from, until: most(possible.map(({ until }) => until)) });
}
