import { describe, expect, it } from 'vitest';
import { FIRST_VIEW, rowsInView, type View, type ViewedCell, viewFragment, viewOf } from './view.ts';

const SCENARIOS = ['healthy', 'partition', 'a b&c'];

describe('a view in an address', () => {
  it.each<{ title: string; view: Partial<View>; fragment: string }>([
    { title: 'is nothing at first', view: {}, fragment: '' },
    { title: 'has a text', view: { text: 'a+b & c=d#%' }, fragment: 'text=a%2Bb%20%26%20c%3Dd%23%25' },
    {
      title: 'has several statuses and columns',
      view: { statuses: ['broken', 'not-run'], scenarios: ['healthy', 'a b&c'] },
      fragment: 'status=broken&status=not-run&scenario=healthy&scenario=a%20b%26c',
    },
    {
      title: 'has the order',
      view: { language: 'Go', sort: 'p50', within: 'partition', isDown: true },
      fragment: 'language=Go&sort=p50&in=partition&order=down',
    },
    {
      title: 'has the order of names from Z to A',
      view: { isDown: true },
      fragment: 'sort=limiter&order=down',
    },
  ])('$title', ({ view, fragment }) => {
    const whole = { ...FIRST_VIEW, ...view };
    expect(viewFragment(whole)).toBe(fragment);
    expect(viewOf(fragment, SCENARIOS)).toEqual(whole);
  });

  it('ignores what it does not know', () => {
    expect(viewOf('status=fine&scenario=no&sort=name&in=no&order=sideways&%%%=1', SCENARIOS)).toEqual(
      FIRST_VIEW,
    );
  });

  it('begins with the largest excess where no order is stated', () => {
    expect(viewOf('sort=excess', SCENARIOS)).toMatchObject({ sort: 'excess', isDown: true });
    expect(viewOf('sort=p50', SCENARIOS)).toMatchObject({ sort: 'p50', isDown: false });
  });
});

describe('the rows of a view', () => {
  const cell = (scenario: string, part: Partial<ViewedCell> = {}): ViewedCell => ({
    ...{ scenario, status: 'kept', excess: undefined, availability: undefined, p50: undefined },
    ...part,
  });
  const rows = [
    {
      name: 'b',
      language: 'Go',
      cells: [cell('healthy', { excess: 1, availability: 0.5 }), cell('partition', { excess: 9 })],
    },
    {
      name: 'a',
      language: 'PHP',
      cells: [cell('healthy', { excess: 4, availability: 0.9 }), cell('partition', { status: 'broken' })],
    },
    { name: 'c', language: 'Go', cells: [cell('healthy'), cell('partition')] },
  ].map((row) => ({ limiter: row.name, text: `${row.name} ${row.language}`.toLowerCase(), ...row }));

  it.each<{ title: string; view: Partial<View>; names: string }>([
    { title: 'have the order of names', view: {}, names: 'abc' },
    { title: 'have the other order of names', view: { isDown: true }, names: 'cba' },
    {
      title: 'are in the order of names where languages are equal',
      view: { sort: 'language' },
      names: 'bca',
    },
    { title: 'have the worst excess of all scenarios', view: { sort: 'excess', isDown: true }, names: 'bac' },
    {
      title: 'have the excess of one scenario',
      view: { sort: 'excess', within: 'healthy', isDown: true },
      names: 'abc',
    },
    {
      title: 'have the worst of the shown ones',
      view: { sort: 'excess', scenarios: ['healthy'], isDown: true },
      names: 'abc',
    },
    { title: 'are last without a figure, in this order', view: { sort: 'excess' }, names: 'abc' },
    { title: 'have the least availability', view: { sort: 'availability', isDown: true }, names: 'abc' },
    { title: 'have all words of the text', view: { text: 'GO  c' }, names: 'c' },
    { title: 'have the language', view: { language: 'Go' }, names: 'bc' },
    { title: 'have one of the statuses', view: { statuses: ['broken', 'unknown'] }, names: 'a' },
    { title: 'have it in a shown column', view: { statuses: ['broken'], scenarios: ['healthy'] }, names: '' },
  ])('$title', ({ view, names }) => {
    expect(
      rowsInView(rows, { ...FIRST_VIEW, ...view })
        .map(({ name }) => name)
        .join(''),
    ).toBe(names);
  });
});
