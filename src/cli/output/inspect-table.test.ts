import { describe, expect, it } from 'vitest';
import {
  type Inspected,
  renderInspection,
  renderInspectionJson,
  renderInspectionLine,
} from './inspect-table.ts';

/** Moves the cursor, sets the title, ends the alternate screen, turns text around, begins a line. */
const EVIL = 'x\u001b[2J\u001b]0;title\u0007\u009b31m\u001b[?1049l\u202e\r\n\u0000\u2028y';

const CONTROL_BUT_LINES = /[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u;

const common = { node: EVIL, address: EVIL, region: EVIL, clockUs: 5_000_000, ttlMs: 10 };
const now = { levelTokens: 1.5, timeToNextTokenUs: 5, timeToFullUs: 50 };

/** Every text of it is what others wrote, and every kind of copy and answer is there. */
const inspected = {
  user: EVIL,
  endpoint: EVIL,
  endpointFrom: 'option',
  cluster: EVIL,
  key: EVIL,
  slot: 7,
  primary: { node: EVIL, address: EVIL, region: EVIL },
  policy: { text: EVIL, from: 'option' },
  prefix: { text: EVIL, from: 'default' },
  copies: [
    { ...common, role: 'primary', now, stored: { type: 'bucket', levelsQuanta: [3], updatedAtUs: 4 } },
    { ...common, role: 'replica', now, stored: { type: 'article', tokens: EVIL, timestampS: EVIL } },
    { ...common, role: 'replica', stored: { type: 'foreign', found: EVIL } },
    { ...common, role: EVIL, trouble: EVIL },
  ],
  takes: [
    { region: EVIL, node: EVIL, answer: 'allowed', remainingTokens: 1, roundTripMs: 1 },
    { region: EVIL, node: EVIL, answer: 'denied', retryAfterUs: 1, roundTripMs: 1 },
    { region: EVIL, node: EVIL, answer: 'failed', why: EVIL },
  ],
  notes: [EVIL],
} as unknown as Inspected;

describe('an inspection of a bucket that a move left', () => {
  const shown = (stored: object, more: object = {}) =>
    renderInspection(
      {
        ...inspected,
        primary: { address: 'h:1', node: 'a-0', region: 'a' },
        copies: [{ ...common, node: 'a-0', address: 'h:1', region: 'a', role: 'primary', stored, ...more }],
        home: { region: 'a', isThere: false },
      } as unknown as Inspected,
      { colour: false },
    );

  it.each([
    {
      stored: { type: 'mark', state: 'moved', move: 1 },
      says: ['home     a, moved by move 1, no longer here', 'next     refused: BUCKET_MOVED'],
    },
    {
      stored: { type: 'mark', state: 'closed', move: 7 },
      says: ['home     a, not here yet: move 7 has not ended', 'next     refused: BUCKET_MOVING'],
    },
    {
      stored: { type: 'lease', levelQuanta: 3, updatedAtUs: 4 },
      now: { ...now, move: 7 },
      says: ['next     refused: BUCKET_MOVING'],
    },
    { stored: { type: 'foreign', found: 'a hash' }, says: ['next     refused: the key holds another type'] },
  ])('says what it is now: $says', ({ stored, now: level, says }) => {
    const text = shown(stored, level && { now: level });
    for (const line of says) expect(text).toContain(`${line}\n`);
    expect(text).not.toMatch(/no reply|it is there now/);
  });

  it('says so of no reply', () => {
    const text = shown({}, { stored: undefined, trouble: 'gone' });
    expect(text).toContain('next     unknown: no reply from the primary\n');
  });
});

describe('an inspection of what others wrote', () => {
  it.each([
    { title: 'as a table', text: () => renderInspection(inspected, { colour: false }) },
    { title: 'as a line', text: () => renderInspectionLine(inspected, 'now') },
    { title: 'as JSON', text: () => renderInspectionJson(inspected) },
  ])('$title shows it and obeys none of it', ({ text }) => {
    expect(text()).toMatch(/x\\u[0{]/);
    expect(text()).not.toMatch(CONTROL_BUT_LINES);
  });

  it('has as many lines as without it', () => {
    const harmless = JSON.parse(
      JSON.stringify(inspected).replaceAll(JSON.stringify(EVIL), '"x"'),
    ) as Inspected;
    const count = (of: Inspected) => renderInspection(of, { colour: false }).split('\n').length;
    expect(count(inspected)).toBe(count(harmless));
    expect(renderInspectionLine(inspected, 'now').split('\n')).toHaveLength(2);
  });
});

describe('an inspection of a user without a key', () => {
  const copy = {
    node: 'a',
    address: '127.0.0.1:1',
    role: 'primary',
    isSuperseded: false,
    now,
    stored: { type: 'absent' },
  } as const;
  const absent = JSON.parse(
    JSON.stringify({ ...inspected, user: 'adda', endpoint: 'ratings', endpointFrom: 'default' }),
  );
  const of = (more: object): Inspected => ({
    ...absent,
    notes: [],
    copies: [copy],
    isStored: false,
    ...more,
  });
  const text = (of: Inspected) => renderInspection(of, { colour: false });

  it('says that a misspelled name looks the same, and which endpoint is assumed', () => {
    expect(text(of({}))).toMatch(/^user {5}adda, endpoint ratings \(default\), on /m);
    expect(text(of({}))).toMatch(
      /^note {5}no bucket of this name exists\. A full bucket has no key; a misspelled user, endpoint or prefix looks the same\. Endpoint ratings is the default; --endpoint names another\.$/m,
    );
    expect(renderInspectionLine(of({}), 'now')).toContain('a=1.5 (no key)');
  });

  it('names no default where the endpoint is given', () => {
    expect(text(of({ endpointFrom: 'option' }))).toMatch(/^user {5}adda, endpoint ratings, on /m);
    expect(text(of({ endpointFrom: 'option' }))).toMatch(/looks the same\.$/m);
  });

  it.each([{ isStored: true }, { isStored: undefined }])('says nothing of it with %j', (more) => {
    expect(text(of(more))).not.toMatch(/no bucket of this name/);
  });
});
