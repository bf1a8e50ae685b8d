import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../scenario/plan.ts';
import { patchFrame } from './live-screen.ts';
import { drawRun, type RunState } from './run-view.ts';

/** Moves the cursor, sets the title, ends the alternate screen, turns text around, begins a line. */
const EVIL = 'x\u001b[2J\u001b]0;title\u0007\u009b31m\u001b[?1049l\u202e\r\n\u0000\u0007y';

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function stateOf(text: string, changes: Partial<RunState> = {}): RunState {
  const counts = { allowed: 1, denied: 2, failed: 3, info: 4 };
  return {
    plan: {
      scenario: text,
      strategy: text,
      policy: text,
      seed: 1,
      faults: [
        { fault: 'partition', mode: 'blackhole', isolate: [text], atMs: 1_000, forMs: 2_000 },
        { fault: 'kill', node: text, atMs: 9_000, forMs: 1_000 },
      ],
    } as unknown as Plan,
    progress: { stage: 'load', elapsedMs: 5_000, detail: text },
    load: {
      atMs: 2_000,
      ofMs: 10_000,
      rates: { [text]: counts, b: counts },
      faults: ['partition'],
      atLimit: 1,
      ofBusiest: 2,
      excess: { tokens: 1.5, bucket: text },
    },
    sinceMs: 100,
    faultsSinceMs: new Map([['partition', 1_500]]),
    admitted: [1, 5, 3],
    isInterrupted: false,
    notes: [],
    ...changes,
  };
}

const PLAIN = { colour: false };

describe('the view of a run', () => {
  const cases: readonly { title: string; changes: Partial<RunState> }[] = [
    { title: 'under load', changes: {} },
    { title: 'before it', changes: { progress: { stage: 'provision', elapsedMs: 0, detail: EVIL } } },
    {
      title: 'with another fault in force',
      changes: { load: { ...stateOf(EVIL).load, faults: [EVIL] } as NonNullable<RunState['load']> },
    },
    {
      title: 'with a fault to come',
      changes: { load: { ...stateOf(EVIL).load, faults: [] } as NonNullable<RunState['load']> },
    },
  ];
  it.each(cases)('shows what others wrote, and obeys none of it: $title', ({ changes }) => {
    const lines = drawRun(stateOf(EVIL, changes), { columns: 1_000, rows: 50 }, PLAIN);
    expect(lines.join('')).toContain('x\\u001b[2J');
    for (const line of lines) expect(line).not.toMatch(CONTROL);
  });

  it.each([
    { columns: 80, rows: 24 },
    { columns: 200, rows: 50 },
    { columns: 20, rows: 3 },
    { columns: 1, rows: 1 },
  ])('fits into $columns x $rows, in wide characters too', (size) => {
    const state = stateOf('東京大阪名古屋'.repeat(9), { notes: ['ノート'.repeat(99)] });
    const frame = patchFrame(undefined, drawRun(state, size, { colour: true }), size);
    expect(frame.rows.length).toBeLessThanOrEqual(size.rows);
    for (const row of frame.rows) expect(stringWidth(row)).toBeLessThanOrEqual(Math.max(1, size.columns - 1));
  });

  it('tells faults of one kind apart', () => {
    const kill = (node: string, atMs: number) => ({ fault: 'kill' as const, node, atMs, forMs: 2_000 });
    const state = stateOf('x');
    const faults = [kill('a-0', 0), kill('b-0', 1_000), kill('c-0', 1_500), kill('d-0', 9_000)];
    const load = { ...state.load, faults: ['kill', 'kill'] } as NonNullable<RunState['load']>;
    const view = drawRun(
      { ...state, plan: { ...state.plan, faults }, load },
      { columns: 200, rows: 24 },
      PLAIN,
    );
    expect(view.join('\n')).toMatch(/IN FORCE: kill node b-0, for .* \+ kill node c-0, for /);
  });

  it('names the regions that it has no room for', () => {
    const counts = { allowed: 1, denied: 0, failed: 0, info: 0 };
    const rates = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`r${at}`, counts]));
    const load = { ...stateOf('x').load, rates } as NonNullable<RunState['load']>;
    const lines = drawRun(stateOf('x', { load }), { columns: 80, rows: 24 }, PLAIN);
    expect(lines).toHaveLength(24);
    expect(lines.join('\n')).toMatch(/^\.\.\. 18 more regions\nall +30 /m);
    expect(lines.join('\n')).toMatch(/^excess /m);
  });

  it.each([
    { excess: { tokens: 0 }, says: /none seen so far/ },
    { excess: { tokens: 2, bucket: 'b' }, says: /at least 2 tokens \(a lower bound\) in one bucket: b/ },
    { excess: undefined, says: /judged at the end/ },
  ])('says of the excess what is known: $says', ({ excess, says }) => {
    const { excess: _excess, ...load } = stateOf('x').load as NonNullable<RunState['load']>;
    const state = stateOf('x', { load: { ...load, ...(excess && { excess }) } });
    expect(drawRun(state, { columns: 80, rows: 24 }, PLAIN).join('\n')).toMatch(says);
  });
});

describe('a frame', () => {
  const size = { columns: 80, rows: 24 };
  const first = patchFrame(undefined, ['one', 'two', 'three'], size);

  it('is drawn whole at first, in one piece', () => {
    expect(first.patch.startsWith('\u001b[?2026h\u001b[2J')).toBe(true);
    expect(first.patch.endsWith('\u001b[?2026l')).toBe(true);
    expect(stripVTControlCharacters(first.patch)).toBe('onetwothree');
  });

  it('writes only what has changed', () => {
    const next = patchFrame(first, ['one', 'TWO', 'three'], size);
    expect(stripVTControlCharacters(next.patch)).toBe('TWO');
    expect(patchFrame(next, ['one', 'TWO', 'three'], size).patch).toBe('');
  });

  it('clears the rows that are gone', () => {
    const next = patchFrame(first, ['one'], size);
    expect(next.patch).toContain('\u001b[2;1H\u001b[K\u001b[3;1H\u001b[K');
  });
});
