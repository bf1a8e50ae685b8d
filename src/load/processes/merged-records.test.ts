import { expect, it } from 'vitest';
import { makeRandom } from '../../core/prng.ts';
import { MergedRecords } from './merged-records.ts';

it('writes a record once no source can have an earlier one', () => {
  const written: string[] = [];
  const merged = new MergedRecords<string>(2, (record) => written.push(record));
  merged.add(0, 30, [
    [10, 'a10'],
    [29, 'a29'],
  ]);
  expect(written).toEqual([]);
  merged.add(1, 20, [[11, 'b11']]);
  expect(written).toEqual(['a10', 'b11']);
  merged.add(1, 40, [
    [20, 'b20'],
    [39, 'b39'],
  ]);
  expect(written).toEqual(['a10', 'b11', 'b20', 'a29']);
  merged.end(0);
  expect(written).toEqual(['a10', 'b11', 'b20', 'a29', 'b39']);
});

it('leaves out what is later than the last word of a source that says no more', () => {
  const written: number[] = [];
  const merged = new MergedRecords<number>(2, (record) => written.push(record));
  merged.add(1, 50, [[50, 50]]);
  for (let us = 0; us < 1_000; us += 10) merged.add(0, us + 10, [[us, us]]);
  expect(written).toEqual([0, 10, 20, 30, 40, 50, 50]);
});

it('gives all of them in the order of time, whatever the batches', () => {
  const random = makeRandom(1, 'merge');
  for (let round = 0; round < 50; round++) {
    const sources = 1 + Math.floor(random() * 4);
    const written: number[] = [];
    const merged = new MergedRecords<number>(sources, (record) => written.push(record));
    const nowUs = Array.from({ length: sources }, () => 0);
    const all: number[] = [];
    for (let batch = 0; batch < 60; batch++) {
      const source = Math.floor(random() * sources);
      const records = Array.from({ length: Math.floor(random() * 5) }, () => {
        nowUs[source] = (nowUs[source] ?? 0) + Math.floor(random() * 9);
        return [nowUs[source] ?? 0, nowUs[source] ?? 0] as const;
      });
      all.push(...records.map(([us]) => us));
      merged.add(source, nowUs[source] ?? 0, records);
    }
    for (let source = 0; source < sources; source++) merged.end(source);
    expect(written).toEqual(all.sort((a, b) => a - b));
  }
});
