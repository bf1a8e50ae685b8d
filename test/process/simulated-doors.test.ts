import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isWatched } from '../../src/cli/outside/module-doors.ts';
import { type OutsideWatch, watchOutside } from '../../src/cli/outside/watch.ts';
import { write } from '../support/check-files.ts';
import { testFolder } from '../support/cli.ts';

/** What code of a plug-in does, and what the watch says that it used; nothing is what virtual time covers. */
const DOORS: readonly (readonly [does: string, used: string | readonly string[]])[] = [
  ['new Date(0).getTime(); structuredClone(new Date(0)); Date.UTC(2026); Date.parse("2026-01-01")', []],
  ['new Date()', 'new Date'],
  ['Date()', 'new Date'],
  ['new (new Date(0)).constructor()', 'new Date'],
  ['new (Object.getPrototypeOf(new Date(0)).constructor)()', 'new Date'],
  ['new (structuredClone(new Date(0)).constructor)()', 'new Date'],
  ['Reflect.construct(Date, [])', 'new Date'],
  ['new (class Mine extends Date {})()', 'new Date'],
  ['new (class Mine extends new Date(0).constructor {})()', 'new Date'],
  ['Date.now()', 'Date.now'],
  ['new Date(0).constructor.now()', 'Date.now'],
  ['Reflect.apply(Date.now, null, [])', 'Date.now'],
  ['await Promise.resolve().then(Date.now)', 'Date.now'],
  ['new Function("return Date.now()")()', 'Date.now'],
  ['(0, eval)("new (new Date(0)).constructor()")', 'new Date'],
  ['new Intl.DateTimeFormat().format(0); new Intl.DateTimeFormat().formatToParts(0)', []],
  ['new Intl.DateTimeFormat().format()', 'Intl.DateTimeFormat.format'],
  ['const { format } = new Intl.DateTimeFormat(); format()', 'Intl.DateTimeFormat.format'],
  ['new Intl.DateTimeFormat().formatToParts()', 'Intl.DateTimeFormat.formatToParts'],
  ['new Event("x").type', []],
  ['new Event("x").timeStamp', 'Event.timeStamp'],
  ['new CustomEvent("x").timeStamp', 'Event.timeStamp'],
  ['inspect(new Event("x"))', 'inspect of Event'],
  ['new File([], "x").lastModified', 'File.lastModified'],
  ['inspect(new File([], "x"))', 'inspect of File'],
  [
    'const form = new FormData(); form.set("a", new Blob([])); form.get("a").lastModified',
    'File.lastModified',
  ],
  ['performance.now()', 'performance.now'],
  ['Object.getPrototypeOf(performance).now.call(performance)', 'performance.now'],
  ['performance.timeOrigin', 'performance.timeOrigin'],
  ['performance.nodeTiming.duration', 'performance.nodeTiming'],
  ['performance.toJSON()', 'performance.toJSON'],
  ['inspect(performance)', 'inspect of Performance'],
  ['performance.mark("a")', 'performance.mark'],
  ['performance.measure("b")', 'performance.measure'],
  ['performance.timerify(() => {})', 'performance.timerify'],
  ['performance.eventLoopUtilization()', 'performance.eventLoopUtilization'],
  ['new PerformanceMark("c").startTime', 'PerformanceMark'],
  ['new PerformanceObserver(() => {})', 'PerformanceObserver'],
  ['new (get("perf_hooks").PerformanceObserver)(() => {})', 'perf_hooks.PerformanceObserver'],
  ['get("perf_hooks").createHistogram()', 'perf_hooks.createHistogram'],
  ['get("perf_hooks").monitorEventLoopDelay()', 'perf_hooks.monitorEventLoopDelay'],
  ['console.timeLog("none")', 'console.timeLog'],
  ['console.timeEnd("none")', 'console.timeEnd'],
  ['new console.Console(process.stderr).timeEnd("none")', 'console.timeEnd'],
  ['process.hrtime()', 'process.hrtime'],
  ['process.hrtime.bigint()', 'process.hrtime.bigint'],
  ['process.uptime()', 'process.uptime'],
  ['process.cpuUsage()', 'process.cpuUsage'],
  ['process.resourceUsage()', 'process.resourceUsage'],
  ['process.memoryUsage()', 'process.memoryUsage'],
  ['process.memoryUsage.rss()', 'process.memoryUsage.rss'],
  [
    'process.availableMemory?.(); process.constrainedMemory()',
    ['process.availableMemory', 'process.constrainedMemory'],
  ],
  ['process.getActiveResourcesInfo()', 'process.getActiveResourcesInfo'],
  ['process.report.getReport', []],
  ['process.stdin', 'process.stdin'],
  ['try { process.binding("none") } catch {}', 'process.binding'],
  ['try { process._linkedBinding("none") } catch {}', 'process._linkedBinding'],
  ['try { process.dlopen({}, "/none") } catch {}', 'process.dlopen'],
  ['get("wasi"); get("node:path")', 'process.getBuiltinModule'],
  [
    'get("module").createRequire(import.meta.url)("node:os").uptime()',
    ['process.getBuiltinModule', 'os.uptime'],
  ],
  ['setTimeout(() => {}, 1)', 'setTimeout'],
  ['setInterval(() => {}, 1).unref()', 'setInterval'],
  ['setImmediate(() => {})', 'setImmediate'],
  ['timers.setTimeout(() => {}, 1)', 'setTimeout'],
  ['await promises.setTimeout(1)', 'setTimeout'],
  ['await promisify(setTimeout)(1)', 'setTimeout'],
  ['await promises.setImmediate()', 'setImmediate'],
  ['await promises.scheduler.wait(1)', 'scheduler.wait'],
  ['await Object.getPrototypeOf(promises.scheduler).yield.call(promises.scheduler)', 'scheduler.yield'],
  ['AbortSignal.timeout(1)', 'AbortSignal.timeout'],
  ['await new Promise((done) => queueMicrotask(done)); await new Promise(process.nextTick)', []],
  ['Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)', 'Atomics.wait'],
  ['Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)', 'Atomics.waitAsync'],
  ['new WebAssembly.Module(WASM)', []],
  ['await WebAssembly.compile(WASM)', 'WebAssembly.compile'],
  ['await WebAssembly.instantiate(WASM)', 'WebAssembly.instantiate'],
  ['new FinalizationRegistry(() => {})', 'FinalizationRegistry'],
  ['new WeakRef({})', 'WeakRef'],
  ['new MessageChannel().port1.close()', 'MessageChannel'],
  ['new BroadcastChannel("x").close()', 'BroadcastChannel'],
  ['structuredClone({ a: 1 }); inspect({ a: 1 })', []],
  ['await fetch("data:,x")', 'fetch'],
  ['await new Blob(["x"]).text()', 'Blob.text'],
  ['new CompressionStream("gzip")', 'CompressionStream'],
  ['new (get("stream/web").DecompressionStream)("gzip")', 'stream.web.DecompressionStream'],
  ['vm.runInNewContext("Date.now()")', 'vm.runInNewContext'],
  ['vm.createContext({})', 'vm.createContext'],
  ['new vm.Script("1")', 'vm.Script'],
  ['new (vm.Script.prototype.constructor)("1")', 'vm.Script'],
  ['new Worker("", { eval: true }).unref()', 'worker_threads.Worker'],
  ['new (get("worker_threads").MessageChannel)().port1.close()', 'worker_threads.MessageChannel'],
  ['await promisify(exec)("true")', 'child_process.execFile'],
  ['get("child_process").spawnSync("true")', 'child_process.spawnSync'],
  ['await get("dns").promises.lookup("127.0.0.1")', 'dns.promises.lookup'],
  ['net.isIP("::1"); new net.Server()', 'net.Server'],
  ['get("http").createServer()', 'http.createServer'],
  ['get("async_hooks").executionAsyncId()', 'async_hooks.executionAsyncId'],
  ['get("v8").getHeapStatistics()', 'v8.getHeapStatistics'],
  ['get("os").platform(); get("os").hostname()', []],
  ['get("os").uptime()', 'os.uptime'],
  ['get("os").loadavg(); get("os").freemem()', ['os.loadavg', 'os.freemem']],
  ['fs.readFileSync(HERE); fs.existsSync(HERE)', []],
  ['fs.statSync(HERE).mtimeMs', 'fs.statSync'],
  ['fs.lstatSync(HERE).mtimeMs', 'fs.lstatSync'],
  ['fs.fstatSync(0)', 'fs.fstatSync'],
  ['fs.readFileSync("/proc/uptime")', 'fs.readFileSync'],
  ['fs.readFileSync(new URL("file:///proc/self/stat"))', 'fs.readFileSync'],
  ['fs.stat(HERE, () => {})', 'fs.stat'],
  ['await fs.promises.readFile(HERE)', 'fs.promises.readFile'],
  ['await promisify(fs.readFile)(HERE)', 'fs.readFile'],
  ['fs.createReadStream(HERE)', 'fs.createReadStream'],
  ['Math.random()', 'Math.random'],
  ['crypto.randomUUID()', 'crypto.randomUUID'],
  ['crypto.getRandomValues(new Uint8Array(1))', 'crypto.getRandomValues'],
  ['node.randomBytes(1); node.randomInt(9)', ['crypto.randomBytes', 'crypto.randomInt']],
  ['node.createHash("sha1").update("x").digest()', []],
  ['node.randomBytes(1, () => {})', ['crypto.randomBytes', 'crypto.randomBytes with a callback']],
  ['await promisify(node.scrypt)("a", "b", 8)', 'crypto.scrypt with a callback'],
  ['await crypto.subtle.digest("SHA-1", new Uint8Array(1))', 'crypto.subtle.digest'],
  ['get("zlib").gzipSync("x")', []],
  ['await promisify(get("zlib").gzip)("x")', 'zlib.gzip'],
  ['URL.createObjectURL(new Blob([]))', 'URL.createObjectURL'],
  ['process.pid', 'process.pid'],
];

const PLUGIN = `
import { exec } from 'node:child_process';
import console from 'node:console';
import * as node from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import timers from 'node:timers';
import promises from 'node:timers/promises';
import { inspect, promisify } from 'node:util';
import vm from 'node:vm';
import { Worker } from 'node:worker_threads';
const get = (name) => process.getBuiltinModule(name);
void FormData;
const HERE = import.meta.filename;
const WASM = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
export const doors = [
${DOORS.map(([does]) => `async () => { ${does} },`).join('\n')}
];
`;

let doors: readonly (() => Promise<void>)[] = [];
let file = '';
let watch: OutsideWatch | undefined;

beforeAll(async () => {
  const folder = testFolder(afterAll);
  write(folder, 'mine.mjs', PLUGIN);
  file = join(folder, 'mine.mjs');
  ({ doors } = await import(pathToFileURL(file).href));
});

afterAll(() => watch?.release());

it.each(DOORS.map(([does, used], at) => ({ does, used, at })))(
  'V12: notices, or covers, $does',
  async ({ used, at }) => {
    const warnings: string[] = [];
    watch = watchOutside(file, (text) => warnings.push(text));
    watch.onLoaded([]);
    try {
      await doors[at]?.();
    } finally {
      watch.release();
    }
    const found = warnings.map((text) => /used (.*?), which a simulation/.exec(text)?.[1]);
    expect(found).toEqual([used].flat());
  },
);

it('V12: every module of Node.js is watched where it is called, or noticed where it is imported', () => {
  const names = builtinModules.filter((name) => !name.startsWith('_'));
  const unwatched = names.filter((name) => !isWatched(`node:${name}`));
  expect(unwatched).toEqual([
    ...['cluster', 'domain', 'inspector', 'inspector/promises', 'module', 'repl', 'trace_events', 'wasi'],
  ]);
});
