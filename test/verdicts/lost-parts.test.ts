import { expect, it } from 'vitest';
import { judgeHistory } from '../../src/checker/judge-history.ts';
import { makeRandom, type Random } from '../../src/core/prng.ts';
import { HistoryBuilder } from '../../src/history/columns/builder.ts';
import type { LeftOut } from '../../src/history/parts/parts.ts';
import type { Header, HistoryRecord } from '../../src/history/records/operation.ts';
import { parseRecord } from '../../src/history/records/parse-record.ts';
import { DIGEST, partOf } from '../support/part-history.ts';
import { accusationsOf, type SimulatedHistory, simulate } from './soak/history.ts';

const HISTORIES = 2_000;

interface Split {
  readonly parts: readonly HistoryRecord[][];
  readonly of: readonly string[];
}

/** The records of a history in up to four parts of one machine. Each has read all clocks; the first has the other events. */
function split({ files }: SimulatedHistory, random: Random): Split {
  const records = files.flatMap(({ text }) => text.split('\n').flatMap(recordIn));
  const of = ['a', 'b', 'c', 'd'].slice(0, 2 + Math.floor(random() * 3));
  const isEnded = records.filter(({ type }) => type === 'end').length === files.length;
  const parts = of.map((name): HistoryRecord[] => [
    { ...(records[0] as Header), ...looseOf(records), part: partOf(name, { of, machine: 'm' }) },
  ]);
  const places = new Map<string, number>();
  for (const [index, record] of records.entries()) {
    if (record.type === 'clock') for (const part of parts) part.push(record);
    else if (record.type === 'op')
      parts[placeOf(record.decisionId, places, of, random)]?.push({ ...record, index });
    else if (record.type !== 'header' && record.type !== 'end') parts[0]?.push(record);
  }
  for (const part of isEnded ? parts : []) {
    const sent = part.filter(({ type }) => type === 'op').length;
    part.push({ type: 'end', atUs: 0, sent, digest: DIGEST });
  }
  return { parts, of };
}

/** None for the last line of a file that broke off. */
function recordIn(line: string): HistoryRecord[] {
  try {
    return [parseRecord(JSON.parse(line))];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** What holds for all files: the second of two may begin in mid-traffic. */
function looseOf(records: readonly HistoryRecord[]): Partial<Header> {
  const headers = records.filter((record): record is Header => record.type === 'header');
  return headers.some(({ initial }) => initial === 'unknown') ? { initial: 'unknown' } : {};
}

/** Attempts of one decision are of one part. */
function placeOf(
  decisionId: string | undefined,
  places: Map<string, number>,
  of: readonly string[],
  random: Random,
): number {
  const drawn = Math.floor(random() * of.length);
  if (decisionId === undefined) return drawn;
  const place = places.get(decisionId) ?? drawn;
  places.set(decisionId, place);
  return place;
}

function judgeParts(parts: readonly HistoryRecord[][], promise: string, leftOut: readonly LeftOut[] = []) {
  const builder = new HistoryBuilder();
  for (const [at, records] of parts.entries()) {
    builder.startFile(`${at}`);
    for (const record of records) builder.add(record);
    builder.endFile();
  }
  return judgeHistory(builder.build(leftOut), { promise });
}

const LOSSES = ['missing', 'cut short', 'double'] as const;

/** One part is missing, ends anywhere, or has another load that is not in the history. */
function lose(parts: readonly HistoryRecord[][], loss: (typeof LOSSES)[number], random: Random) {
  const at = Math.floor(random() * parts.length);
  const [part = []] = parts.slice(at);
  const kept = 1 + Math.floor(random() * (part.length - 1));
  if (loss === 'cut short') return { parts: parts.with(at, part.slice(0, kept)), leftOut: [] };
  const rest = parts.toSpliced(at, 1);
  if (loss === 'missing') return { parts: rest, leftOut: [] };
  const end = { type: 'end', atUs: 0, sent: 0, digest: DIGEST } as const;
  const leftOut = [{ file: 'x', part: ['a', 'b', 'c', 'd'][at] ?? '', why: 'double' as const }];
  return { parts: [...rest, [part[0] as Header, end]], leftOut };
}

it('a correct limiter is never accused when parts of its history are missing, cut short or doubled', () => {
  const seen: Record<string, number> = {};
  const wrong: unknown[] = [];
  let [judged, clean] = [0, 0];
  for (let seed = 1; judged < HISTORIES; seed++) {
    const history = simulate(seed);
    if (history.args !== undefined) continue; // a log of another program
    judged++;
    const random = makeRandom(seed);
    const { parts } = split(history, random);
    const loss = LOSSES[seed % LOSSES.length] as (typeof LOSSES)[number];
    const lost = lose(parts, loss, random);
    const report = judgeParts(lost.parts, history.promise, lost.leftOut);
    const accusations = accusationsOf({ report }, history);
    if (accusations.length > 0 || report.verdict === 'pass') wrong.push({ seed, loss, accusations });
    seen[loss] = (seen[loss] ?? 0) + 1;
    if (report.falseDenials.judged + report.replay.replayed === 0) clean++;
  }
  expect(wrong).toEqual([]);
  expect(clean).toBe(judged);
  for (const loss of LOSSES) expect(seen[loss]).toBeGreaterThan(HISTORIES / 5);
}, 60_000);
