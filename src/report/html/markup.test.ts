import { expect, it } from 'vitest';
import { element } from './markup.ts';

it('escapes texts and attributes, and joins markup as it is', () => {
  const text = `<b> & "a" 'b'`;
  const { html } = element(
    'p',
    { title: text, id: undefined, tabindex: 0 },
    text,
    element('i', {}, text),
    undefined,
  );
  const escaped = '&lt;b&gt; &amp; &quot;a&quot; &#39;b&#39;';
  expect(html).toBe(`<p title="${escaped}" tabindex="0">${escaped}<i>${escaped}</i></p>`);
});

it('leaves out the ends of cells, rows and members, which what follows implies', () => {
  const row = element('tr', {}, element('td', {}, '1'), element('td', {}, '2'));
  expect(element('table', {}, row, row).html).toBe('<table><tr><td>1<td>2<tr><td>1<td>2</table>');
});
