// Reads a history for verify.mjs, without packages and without code of the checker: files, headers, parts.
import { fail as refuse } from 'node:assert';
import { createHash } from 'node:crypto';
import { addOperation, isNumber, isNumberIfGiven, joinAttempts, listIn, NEVER, withSteps } from './operations.mjs';
import { readRecords } from './records.mjs';

/** The part that sends no load; no region has a space. */
export const CONTROL = 'control part';

/** The history of some files. Times are of the recorder's clock; of a run in parts, of the machine of each record. */
export async function readHistory(paths) {
  const files = paths.map(() => ({ knownUs: NEVER, indices: new Set() }));
  const [buckets, attempts, pingsOf] = [new Map(), new Map(), new Map()];
  const history = { buckets, attempts, op: 0, aheadUs: 0, clock: [], ping: [], pingsOf, event: [], end: [], header: [], files };
  for (const [at, path] of paths.entries()) await readFile(path, files[at], history);
  history.isEnded = history.end.length === paths.length;
  history.others = history.end.reduce((sum, { sample }) => sum + (sample?.others ?? 0), 0); // they went to buckets that are not in it
  const sent = history.end.reduce((sum, one) => sum + one.sent, 0);
  if (history.isEnded && sent !== history.op + history.others) refuse('operations are missing');
  checkHeaders(history);
  for (const list of [history.event, ...history.buckets.values(), ...history.attempts.values()]) list.sort(byPart);
  history.isUnknown = history.header.some(({ initial }) => initial !== 'full');
  history.convicts = history.isEnded && mayConvict(history);
  for (const rows of history.attempts.values()) if (rows.length > 1) joinAttempts(rows);
  history.base = files.some(({ run }) => run !== undefined) ? findBase(history) : '';
  if (new Set(files.map(({ content }) => content)).size < files.length) refuse('a file is given twice');
  if (history.base === '') history.ping = []; // all times are of one clock
  for (const one of history.ping) if (one.node === history.base) listIn(pingsOf, one.machine).push(one);
  return history;
}

/** All files are of one run, as far as they say which; a simulation writes one file. */
function checkHeaders({ header }) {
  const policiesOf = ({ policy, policies = {} }) => [['', policy], ...Object.entries(policies)].filter(([, one]) => one !== undefined);
  const numbersOf = ([name, { capacity, refill }]) => [name, capacity, refill.tokens, refill.perUs];
  const all = header.map((one) => policiesOf(one).map(numbersOf));
  if (new Set(all.map((one) => JSON.stringify(one))).size > 1) refuse('policies differ');
  for (const [, ...numbers] of all.flat()) if (!numbers.every((value) => isNumber(value) && value > 0)) refuse('a policy has a wrong number');
  for (const name of ['strategy', 'scenario', 'seed', 'startedAt'])
    if (new Set(header.flatMap((one) => one[name] || [])).size > 1) refuse(`files are of several runs: ${name} differs`);
  if (header.length > 1 && header.some(({ simulated }) => simulated === true)) refuse('files are of several runs: a simulation writes one');
}

/** Not if it promises no token bucket, if its limiter left the virtual time, or if a node of it is several servers. */
function mayConvict({ header, event }) {
  const servers = new Map(event.filter((one) => one.event === 'server').map(({ node, args }) => [node, args?.runId])); // the last of each
  const isDoubtful = (one) =>
    (one.event === 'outside' && one.args?.harmless !== true) || (one.event === 'server' && one.args?.runId !== servers.get(one.node));
  return header.every(({ promise }) => (promise ?? 'token-bucket') === 'token-bucket') && !event.some(isDoubtful);
}

/** The files of a run in parts may be given in any order, and count in that of the names. Files that are no parts keep theirs. */
const byPart = ({ part: a = '' }, { part: b = '' }) => Number(a > b) - Number(a < b);

/** The numbers of the records that are kept as they are. */
const KEPT = { clock: ['atUs', 'serverUs', 'errorUs'], event: ['atUs'], end: ['sent'], header: [] };

function checkRecord(record, { machine, hasEnd }) {
  const { type } = record;
  const [isKept, isFirst] = [Object.hasOwn(KEPT, type), machine === undefined];
  if ((type === 'header') !== isFirst) refuse('a file has one header, which is its first record');
  if (isFirst && (record.format !== 'openclaw-history' || record.version !== 1)) refuse('it is no history of version 1');
  if (isFirst && ![undefined, 'one', 'apart'].includes(record.clocks)) refuse(`clocks ${JSON.stringify(record.clocks)} are unknown`);
  if (hasEnd && type === 'op') refuse('an operation follows the end');
  if (!isKept && type !== 'op' && type !== 'fault') refuse(`records of type ${JSON.stringify(type)} are unknown`);
  const areNumbers = !isKept || KEPT[type].every((name) => isNumber(record[name]));
  const ofReset = type === 'event' && record.event === 'reset' ? (record.args ?? {}) : {};
  const lengthUs = { clock: record.errorUs, header: record.clockSlackUs }[type]; // other records may have a field of that name
  if (!areNumbers || ![ofReset.untilUs, lengthUs].every(isNumberIfGiven) || lengthUs < 0) refuse(`a record of type ${type} has a wrong number`);
  if (typeof (ofReset.bucket ?? '') !== 'string') refuse('a reset names a bucket that is no text');
}

async function readFile(path, file, history) {
  const hash = createHash('sha256');
  for await (const record of readRecords(path, hash)) {
    checkRecord(record, file);
    if (record.type === 'header') addPart(file, record.part ?? {});
    if (file.name === CONTROL && record.type === 'op') refuse(`the ${CONTROL} has an operation`);
    if (record.type === 'op' && (!Number.isInteger(record.index) || file.indices.size === file.indices.add(record.index).size))
      refuse('an operation has no index of its own');
    if (record.type === 'op') for (const one of withSteps(record, history.op++)) addOperation(history, one, file);
    else if (record.type === 'clock' && record.source === 'machine') history.ping.push({ ...record, machine: file.machine });
    else if (record.type !== 'fault' && record.source !== 'date' && (file.name !== CONTROL || record.type !== 'header'))
      history[record.type].push({ ...record, machine: file.machine, part: file.name });
    if (record.type === 'end' && file.hasEnd) refuse('the history has a second end');
    file.hasEnd ||= record.type === 'end';
    file.isAsWritten = record.type === 'end' && record.digest === hash.copy().digest('hex'); // and nothing follows
  }
  if (file.machine === undefined) refuse(`${path}: it is empty`);
  file.content = hash.digest('hex');
  file.indices = undefined; // they need as much room as the history
}

/** Without a part, times are of the one clock of the recorder. */
function addPart(file, { run, plan, name, of, control, kind, machine = '' }) {
  Object.assign(file, { run, plan, name: kind === 'control' ? CONTROL : name, of, control, machine });
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
