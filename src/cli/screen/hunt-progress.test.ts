import { describe, expect, it } from 'vitest';
import { drawHunt, type HuntLook, huntLine } from './hunt-progress.ts';

const look = (own: Partial<HuntLook> = {}): HuntLook => ({
  ...{ title: 'hunt lease, seed 7', stage: 'search', detail: '', aim: 'excess' },
  ...{ schedules: 250, perSecond: 19.6, restarts: 2, share: 0.25, ...own },
});
const WORST: HuntLook['worst'] = {
  ...{ excess: 3, bound: 20, lacking: 0, verdict: 'pass', requests: 80, lostPerSecond: 0 },
};

describe('a line of progress', () => {
  it('has schedules, share of the budget, speed and the worst so far', () => {
    expect(huntLine(look({ worst: WORST }))).toBe(
      'search  250 schedules (25%), 20 a second, 2 restarts; worst: excess 3 of 20 allowed',
    );
  });

  it('of a slow hunt has a decimal, and what is done now', () => {
    const slow = look({ stage: 'shrink', detail: 'schedule 1 of 3', perSecond: 0.06, share: 1.3 });
    expect(huntLine(slow)).toBe('shrink  250 schedules (100%), 0.1 a second, 2 restarts; schedule 1 of 3');
  });

  it('of a real run has its scenario only', () => {
    const detail = 'worst-1.yaml on a real cluster';
    expect(huntLine(look({ stage: 'confirm', detail }))).toBe(`confirm ${detail}`);
  });
});

describe('the view', () => {
  const draw = (own: Partial<HuntLook>, isInterrupted = false) =>
    drawHunt(look(own), { colour: false, isInterrupted });

  it('has a bar as long as the share of the budget', () => {
    const [title, bar] = draw({ share: 0.5 });
    expect(title).toBe('openclaw-rl  hunt lease, seed 7');
    expect(bar).toBe(`search     ${'█'.repeat(15)}${'░'.repeat(15)}  50% of the budget`);
  });

  it('says that nothing was tried yet, and how to stop', () => {
    expect(draw({})).toEqual(
      expect.arrayContaining(['worst      none yet', 'Ctrl-C: stop; the same command resumes']),
    );
    expect(draw({}, true).at(-1)).toMatch(/^interrupted: stopping/);
  });

  it('of an aim for availability has what was lost', () => {
    const worst = { ...WORST, lostPerSecond: 7.25 };
    expect(draw({ worst, aim: 'availability' })).toContain('worst      7.3 decisions lost a second');
  });
});
