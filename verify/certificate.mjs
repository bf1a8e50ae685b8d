// Reads the records of a certificate for verify.mjs: each has the fields of its type, with values of their kinds, and no others.
import { fail as refuse } from 'node:assert';

/** The fields of a record by its type; with a question mark those that may be absent. */
const RECORDS = {
  certificate: 'format version ratePpm promise declaresFalseDenials simulated?',
  clock: 'clock nodes points? offsets?',
  proof: 'bucket policy? proves clock start? order momentsUs',
  group: 'members proves clock order momentsUs',
  excess: 'bucket policy? fromUs untilUs operations',
  denial: 'bucket policy? operation',
  replay: 'bucket policy? operation',
  end: 'buckets proved admissionsProved withinBound convicted open',
};
const PROMISES = {
  'token-bucket': '',
  'fixed-window': 'limit windowUs alignment',
  'sliding-window': 'limit windowUs',
  'sliding-counter': 'limit windowUs',
};

const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isPositive = (value) => isCount(value) && value > 0;
const isText = (value) => typeof value === 'string';
const isFlag = (value) => typeof value === 'boolean';
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value, isRight, least = 0) => Array.isArray(value) && value.length >= least && value.every((one) => isRight(one));
const isPair = (value, isRight) => isList(value, isRight) && value.length === 2;
const isLine = (value) => isList(value, (point) => isPair(point, Number.isSafeInteger), 1);

/** What a field must be, in every record that has it; all others are counts. */
const VALUES = {
  format: (value) => value === 'openclaw-certificate',
  version: (value) => value === 1,
  ratePpm: (value) => value === 1_000,
  promise: (value) => isObject(value) && faultOf(value, PROMISES) === undefined,
  declaresFalseDenials: isFlag,
  simulated: isFlag,
  limit: isPositive,
  windowUs: isPositive,
  alignment: (value) => ['epoch', 'first', 'any'].includes(value),
  bucket: isText,
  policy: isText,
  members: (value) => isList(value, (name) => isObject(name) && faultOfFields(name, 'bucket policy?') === undefined, 2),
  nodes: (value) => isList(value, isText),
  points: isLine,
  offsets: (value) => isObject(value) && Object.values(value).every(isLine),
  proves: (value) => ['all', 'admissions'].includes(value),
  start: (value) => isPair(value, isCount) && value[0] <= value[1] && value[1] > 0,
  order: (value) => isList(value, Number.isSafeInteger),
  momentsUs: (value) => isList(value, Number.isSafeInteger),
  fromUs: Number.isFinite,
  untilUs: Number.isFinite,
  operations: (value) => isList(value, isCount),
};

/** What is wrong with an object whose type is one of these; undefined if nothing is. */
function faultOf({ type, ...fields }, types) {
  return Object.hasOwn(types, type) ? faultOfFields(fields, types[type]) : `records of type ${JSON.stringify(type)} are unknown`;
}

function faultOfFields(fields, list) {
  const known = list.split(' ').filter((name) => name !== '');
  const absent = known.find((name) => !name.endsWith('?') && !Object.hasOwn(fields, name));
  if (absent !== undefined) return `it has no ${absent}`;
  const names = known.map((name) => name.replace('?', ''));
  const isRight = ([name, value]) => names.includes(name) && (VALUES[name] ?? isCount)(value);
  const wrong = Object.entries(fields).find((field) => !isRight(field));
  return wrong && `its ${JSON.stringify(wrong[0])} is unknown, or has a wrong value`;
}

export function checkFields(record) {
  const fault = faultOf(record, RECORDS);
  if (fault !== undefined) refuse(fault);
}

/** Reads the first record: what the limiter promises, and whether proofs may leave out denials. */
export function readHead(record) {
  const { type, format, version, promise, declaresFalseDenials } = record;
  const isKnown = type === 'certificate' && VALUES.format(format) && VALUES.version(version) && VALUES.promise(promise);
  if (!isKnown) refuse('it is no certificate of version 1');
  checkFields(record);
  const judges = { 'token-bucket': true, 'sliding-window': true, 'sliding-counter': false, 'fixed-window': promise.alignment === 'epoch' };
  return { promise, mayOmit: declaresFalseDenials || !judges[promise.type] };
}

/** Compares the counts of the last record with those of the records before it. */
export function checkEnd(end, { found, history, listed }) {
  const { buckets, proved, admissionsProved, withinBound, convicted, open } = end;
  const counts = { buckets: history.buckets.size, proved: found.proved, admissionsProved: found.admissionsProved };
  const wrong = Object.keys(counts).find((name) => end[name] !== counts[name]);
  if (found.refused === 0 && wrong !== undefined) refuse(`it says ${wrong} ${end[wrong]}; found ${counts[wrong]}`);
  const sum = proved + admissionsProved + withinBound + convicted + open;
  if (sum !== buckets) refuse(`it says buckets ${buckets}; its counts add up to ${sum}`);
  const accused = [...listed.values()].filter(([type]) => type !== 'proof' && type !== 'group').length;
  if (accused > convicted) refuse(`it says convicted ${convicted}; found ${accused}`);
}
