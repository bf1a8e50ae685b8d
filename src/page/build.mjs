// Makes dist/report/html/page.json of this folder: the script and the style of every HTML report, with their hashes.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { licenceComment } from '../../release/licences.mjs';

const HERE = import.meta.dirname;
const OUT = join(HERE, '../../dist/report/html');

const shared = {
  bundle: true,
  minify: true,
  write: false,
  target: ['es2022', 'chrome110', 'firefox110', 'safari16'],
};

async function bundle(entry, more = {}) {
  const { outputFiles } = await build({ ...shared, entryPoints: [join(HERE, entry)], ...more });
  return outputFiles[0].text.trim();
}

/** As a Content-Security-Policy names what it lets run. */
function hashOf(text) {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

const script = await bundle('main.ts', {
  format: 'iife',
  charset: 'ascii',
  banner: { js: licenceComment(['node_modules/uplot']) },
});
const style = await bundle('page.css');
if (/<\/(script|style)/i.test(script + style))
  throw new Error('the bundle would end the element that it is in');
mkdirSync(OUT, { recursive: true });
const assets = { script, style, scriptHash: hashOf(script), styleHash: hashOf(style) };
writeFileSync(join(OUT, 'page.json'), `${JSON.stringify(assets)}\n`);
