import { describe, expect, it } from 'vitest';
import { findHome, lookAtHome } from './inspect-home.ts';

const SUBJECT = { user: 'a.ada', endpoint: 'ratings' };
const table = {
  ...{ format: 'openclaw-homes', version: 1 },
  regions: { a: { slots: '0-8191', nodes: ['h:1'] }, b: { slots: '8192-16383', nodes: ['h:2'] } },
};
const found = (home?: string) => findHome(SUBJECT, { table, home, prefix: 'rate' });

describe('the home of an inspected bucket', () => {
  it('is the region that is named, which must be in the table', () => {
    expect(found()?.region).toBe('a');
    expect(found('b')?.region).toBe('b');
    expect(() => found('mars')).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: '--home must be a region of the homes table; found "mars"',
        hint: 'give one of a, b',
      }),
    );
  });

  it('has no bucket where a move left a mark', () => {
    const look = (stored?: object) =>
      lookAtHome(found(), {
        primary: { address: 'h:1' },
        copies: [{ address: 'h:1', isSuperseded: false, ...(stored && { stored: stored as never }) }],
      });
    expect(look()).toEqual({ region: 'a', isThere: true });
    expect(look({ type: 'absent' })).toEqual({ region: 'a', isThere: true });
    expect(look({ type: 'mark', state: 'moved', move: 1 })).toEqual({ region: 'a', isThere: false });
  });
});
