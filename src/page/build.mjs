// Makes page.json and scoreboard.json in dist/report/html of this folder: the script and the style of every HTML report
// and of the scoreboard, with their hashes.
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

/** Writes the script and the style of a kind of page. */
async function writeAssets(name, { entry, css, licences }) {
  const script = await bundle(entry, {
    format: 'iife',
    charset: 'ascii',
    ...(licences.length > 0 && { banner: { js: licenceComment(licences) } }),
  });
  const style = await bundle(css);
  if (/<\/(script|style)/i.test(script + style))
    throw new Error('the bundle would end the element that it is in');
  const assets = { script, style, scriptHash: hashOf(script), styleHash: hashOf(style) };
  writeFileSync(join(OUT, `${name}.json`), `${JSON.stringify(assets)}\n`);
}

mkdirSync(OUT, { recursive: true });
await writeAssets('page', { entry: 'main.ts', css: 'page.css', licences: ['node_modules/uplot'] });
await writeAssets('scoreboard', { entry: 'scoreboard/main.ts', css: 'scoreboard.css', licences: [] });
