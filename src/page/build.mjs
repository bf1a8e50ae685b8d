// Makes dist/report/html/page.json of this folder: the script and the style of every HTML report, with their hashes.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

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

const licence = readFileSync(join(HERE, '../../node_modules/uplot/LICENSE'), 'utf8').trim();
const script = await bundle('main.ts', {
  format: 'iife',
  charset: 'ascii',
  banner: { js: `/* With uPlot:\n${licence}\n*/` },
});
const style = await bundle('page.css');
if (/<\/(script|style)/i.test(script + style))
  throw new Error('the bundle would end the element that it is in');
mkdirSync(OUT, { recursive: true });
const assets = { script, style, scriptHash: hashOf(script), styleHash: hashOf(style) };
writeFileSync(join(OUT, 'page.json'), `${JSON.stringify(assets)}\n`);
