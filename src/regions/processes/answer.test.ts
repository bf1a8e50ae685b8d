import { expect, it } from 'vitest';
import { parseAnswer } from './answer.ts';

const READY = '{"ready":{"address":"http://127.0.0.1:1"}}\n';
const REFUSED = '{"refused":{"code":"INVALID_OPTION","message":"plugin:a.mjs is late","hint":"wait"}}\n';

it.each([
  { title: 'nothing from other output', text: 'listening on http://127.0.0.1:1\n{"port":1}\n', want: {} },
  { title: 'nothing from an incomplete line', text: READY.trimEnd(), want: {} },
  { title: 'nothing from a broken line', text: `{"ready":{oops\n`, want: {} },
  {
    title: 'a line among others',
    text: `old\n${READY}new`,
    want: { ready: { address: 'http://127.0.0.1:1' } },
  },
])('takes for an answer $title', ({ text, want }) => {
  expect(parseAnswer(text)).toEqual(want);
});

it('keeps `ready` after a later `refused`', () => {
  expect(parseAnswer(`${READY}${REFUSED}`)).toEqual({
    ready: { address: 'http://127.0.0.1:1' },
    refused: { code: 'INVALID_OPTION', message: 'plugin:a.mjs is late', hint: 'wait' },
  });
});
