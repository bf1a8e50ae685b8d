import {
  type Arg,
  type Command,
  type CommandHost,
  integerOf,
  NOT_AN_INTEGER,
  type Reply,
  SYNTAX_ERROR,
  textOf,
  withValue,
} from './command.ts';
import { isBefore, type StreamEntry, type StreamId } from './stream.ts';

const FIRST: StreamId = { ms: 0, seq: 0 };
const LAST: StreamId = { ms: Number.POSITIVE_INFINITY, seq: Number.POSITIVE_INFINITY };

const INVALID_ID = { err: 'ERR Invalid stream ID specified as stream command argument' } as const;

/** Commands of streams. */
export const streamCommands: Readonly<Record<string, Command>> = {
  XADD: { arity: -5, writes: true, run: add },
  XLEN: {
    arity: 2,
    run: ([key], host) => withValue('stream', key, host, (stream) => stream?.length ?? 0),
  },
  XRANGE: { arity: -4, run: ([key, from, to, ...rest], host) => range({ key, from, to, rest, host }) },
  XREVRANGE: {
    arity: -4,
    run: ([key, to, from, ...rest], host) => range({ key, from, to, rest, host, isReversed: true }),
  },
};

/** `XADD key [MAXLEN [= | ~] most] id field value ...`; the id is `*`, `<ms>-*` or `<ms>-<seq>`. */
function add([name, ...args]: readonly Arg[], host: CommandHost): Reply {
  let [at, most, isExact] = [0, Number.POSITIVE_INFINITY, true];
  if (textOf(args[0]).toUpperCase() === 'MAXLEN') {
    const sign = textOf(args[1]);
    at = sign === '~' || sign === '=' ? 2 : 1;
    isExact = sign !== '~';
    const length = integerOf(args[at++]);
    if (length === undefined) return NOT_AN_INTEGER;
    if (length < 0) return { err: 'ERR The MAXLEN argument must be >= 0.' };
    most = length;
  }
  const wanted = textOf(args[at++]);
  const fields = args.slice(at).map(textOf);
  if (fields.length === 0 || fields.length % 2 === 1)
    return { err: "ERR wrong number of arguments for 'xadd' command" };
  return withValue('stream', name, host, (stream, key) => {
    const id = nextId(wanted, stream?.last ?? FIRST, host.nowMs);
    if (id === undefined) return INVALID_ID;
    if (!isBefore(stream?.last ?? FIRST, id))
      return { err: 'ERR The ID specified in XADD is equal or smaller than the target stream top item' };
    host.store.append(key, { ...id, fields }, most, isExact);
    return `${id.ms}-${id.seq}`;
  });
}

function nextId(wanted: string, last: StreamId, nowMs: number): StreamId | undefined {
  if (wanted === '*') return nowMs > last.ms ? { ms: nowMs, seq: 0 } : { ms: last.ms, seq: last.seq + 1 };
  const [, ms, seq] = /^(\d{1,19})(?:-(\d{1,19}|\*))?$/.exec(wanted) ?? [];
  if (ms === undefined) return undefined;
  if (seq !== '*') return { ms: Number(ms), seq: Number(seq ?? 0) };
  return { ms: Number(ms), seq: Number(ms) === last.ms ? last.seq + 1 : 0 };
}

interface Range {
  readonly key: Arg | undefined;
  readonly from: Arg | undefined;
  readonly to: Arg | undefined;
  readonly rest: readonly Arg[];
  readonly host: CommandHost;
  readonly isReversed?: true;
}

function range({ key, from, to, rest, host, isReversed }: Range): Reply {
  const [word, count] = [textOf(rest[0] ?? 'COUNT').toUpperCase(), integerOf(rest[1] ?? 2 ** 52)];
  if (word !== 'COUNT' || rest.length === 1 || rest.length > 2) return SYNTAX_ERROR;
  if (count === undefined) return NOT_AN_INTEGER;
  const [first, last] = [bound(textOf(from), 1), bound(textOf(to), -1)];
  if (first === undefined || last === undefined) return INVALID_ID;
  return withValue('stream', key, host, (stream) => {
    if (stream === undefined) return [];
    return count > 0 && stream.range(first, last, count, isReversed).map(replyOf);
  });
}

/** One end of a range; `(` leaves out the id itself, towards the other end: 1 up, -1 down. */
function bound(text: string, towards: 1 | -1): StreamId | undefined {
  if (text === '-') return FIRST;
  if (text === '+') return LAST;
  const [, isOpen, ms, seq] = /^(\()?(\d{1,19})(?:-(\d{1,19}))?$/.exec(text) ?? [];
  if (ms === undefined) return undefined;
  const id = { ms: Number(ms), seq: Number(seq ?? (towards === 1 ? 0 : LAST.seq)) };
  return isOpen === undefined ? id : { ms: id.ms, seq: id.seq + towards };
}

function replyOf({ ms, seq, fields }: StreamEntry): Reply {
  return [`${ms}-${seq}`, fields];
}
