import { expect, it } from 'vitest';
import { readForeign } from '../../../test/support/foreign.ts';
import { parseStatusPattern } from './status.ts';

const log = [200, 429, 429, 503]
  .map((code, at) => `{"user":"a","from_ms":${1_000 + at},"to_ms":${1_001 + at},"code":${code}}\n`)
  .join('');

it.each([
  {
    title: 'foo, which no line has',
    lists: { allow: 'foo' },
    says: ['no line has a status of --allow; the log has 429 (2), 200 (1), 503 (1)'],
  },
  {
    title: '502 and 4xx, of which one has lines',
    lists: { unanswered: '502', deny: '4xx' },
    says: ['no line has a status of --unanswered; the log has 429 (2), 200 (1), 503 (1)'],
  },
  { title: '502 or 503, of which one has lines', lists: { settled: '502,503' }, says: [] },
  { title: 'nothing, where the usual 2xx is taken', lists: {}, says: [] },
])('of a list of statuses that names $title: $says', ({ lists, says }) => {
  const patterns = Object.entries(lists).map(([option, text]) => [option, parseStatusPattern(text)]);
  const { reader } = readForeign('access-log', log, { lists: Object.fromEntries(patterns) });
  expect(reader.notes()).toEqual(says);
});
