import { describe, expect, it } from 'vitest';
import { checkAbout } from './about.ts';

const FILE = '/x/mine.yaml';

const ABOUT = {
  name: 'mine, fixed window',
  language: 'Python',
  version: ['python3', 'version.py'],
  setting: '20 requests in 4 s',
  documentation: ['https://example.com/mine'],
  says: 'Nothing about failovers or regions.',
};

describe('what a limiter says about itself', () => {
  it('needs no more than a row of the table shows', () => {
    expect(checkAbout(FILE, ABOUT)).toEqual(ABOUT);
  });

  it('has what its documentation covers, where it runs, and what is missing', () => {
    const more = {
      covers: ['three-instances', 'hot-user'],
      topology: 'single',
      shim: 'The file answers its REST calls.',
      skip: { failover: 'one server has no replica' },
    };
    expect(checkAbout(FILE, { ...ABOUT, ...more })).toEqual({ ...ABOUT, ...more });
  });

  it.each([
    { title: 'a text', value: 'mine', says: 'about must be a mapping; found "mine"' },
    {
      title: 'an unknown key',
      value: { ...ABOUT, cover: [] },
      says: 'about has the unknown key "cover", did you mean covers',
    },
    {
      title: 'no name',
      value: { ...ABOUT, name: undefined },
      says: 'about.name must be a text of one line, at most 80 characters; found undefined',
    },
    { title: 'an empty language', value: { ...ABOUT, language: ' ' }, says: 'about.language must be a text' },
    { title: 'a setting of two lines', value: { ...ABOUT, setting: 'a\nb' }, says: 'about.setting must be' },
    { title: 'a long text', value: { ...ABOUT, says: 'x'.repeat(601) }, says: 'about.says must be a text' },
    {
      title: 'a version that is no command',
      value: { ...ABOUT, version: '1.0' },
      says: 'about.version must be a command that prints one line, like [node, version.mjs]; found "1.0"',
    },
    {
      title: 'no program',
      value: { ...ABOUT, version: [] },
      says: 'about.version must be a command that prints one line, like [node, version.mjs]; found an empty list',
    },
    {
      title: 'a version with a number',
      value: { ...ABOUT, version: ['echo', 1] },
      says: 'about.version must be a command that prints one line, like [node, version.mjs]; found 1 in the list',
    },
    {
      title: 'documentation that is no URL',
      value: { ...ABOUT, documentation: ['the README'] },
      says: 'about.documentation must be a list of URLs, http or https; found "the README" in the list',
    },
    {
      title: 'an unknown scenario',
      value: { ...ABOUT, covers: ['fail-over'] },
      says: 'about has the unknown scenario "fail-over", did you mean failover',
    },
    {
      title: 'a scenario alone',
      value: { ...ABOUT, covers: 'failover' },
      says: 'about.covers must be a list',
    },
    {
      title: 'an unknown topology',
      value: { ...ABOUT, topology: 'sentinel' },
      says: 'about.topology must be one of cluster, single, none; found "sentinel"',
    },
    {
      title: 'a scenario skipped without a reason',
      value: { ...ABOUT, skip: { failover: true } },
      says: 'about.skip.failover must be a reason of one line; found true',
    },
    {
      title: 'a list of skipped ones',
      value: { ...ABOUT, skip: ['failover'] },
      says: 'about.skip must have',
    },
    { title: 'a shim that is a flag', value: { ...ABOUT, shim: true }, says: 'about.shim must be a text' },
  ])('is refused with $title', ({ value, says }) => {
    expect(() => checkAbout(FILE, value)).toThrow(`plugin:mine.yaml ${says}`);
  });
});
