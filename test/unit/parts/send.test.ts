import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { historyFilesOf } from '../../../src/cli/files/history-files.ts';
import { lookAtPart } from '../../../src/cli/files/look-at-part.ts';
import { readRecorded } from '../../../src/cli/files/read-recorded.ts';
import { CONTROL_FILE } from '../../../src/engines/control-part.ts';
import { HistoryFile } from '../../../src/experiment/history-file.ts';
import { ClockPings } from '../../../src/experiment/parts/clock-pings.ts';
import { type ClockServer, createClockServer } from '../../../src/experiment/parts/clock-server.ts';
import { PartStore } from '../../../src/experiment/parts/part-store.ts';
import { checkTaken, sendPart } from '../../../src/experiment/parts/send-part.ts';
import { testFolder } from '../../support/cli.ts';
import { freePort } from '../../support/free-port.ts';
import { headerOf, operationOf } from '../../support/history.ts';
import { controlOf, partOf } from '../../support/part-history.ts';

const never = new AbortController().signal;

interface StoreOptions {
  readonly token?: string;
  readonly mostBytes?: number;
  readonly port?: number;
  readonly look?: typeof lookAtPart;
  readonly folder?: string;
}

async function startStore({
  port = 0,
  look = lookAtPart,
  folder = testFolder(),
  ...options
}: StoreOptions = {}) {
  mkdirSync(folder, { recursive: true });
  const received: string[] = [];
  const onReceived = ({ file }: { readonly file: string }) => void received.push(file);
  const store = new PartStore({ folder, look, onReceived, ...options });
  const started = await startServer(createClockServer(store), port);
  return { folder, received, ...started, kept: () => readdirSync(folder, { recursive: true }).sort() };
}

async function startServer(clock: ClockServer, port = 0) {
  const url = await clock.listen({ host: '127.0.0.1', port });
  onTestFinished(async () => {
    clock.server.closeAllConnections();
    await clock.close();
  });
  return { url, clock };
}

/** The file of part `a` of the run `run`; its length grows with the operations. */
async function partFile({
  name = 'a',
  operations = 1,
  isCut = false,
  ending = '.ndjson',
  isControl = false,
} = {}) {
  const path = join(testFolder(), `mine${ending}`);
  const part = isControl
    ? controlOf()
    : partOf(name, { machine: 'm', of: name.includes(':') ? ['a:1/2', 'a:2/2'] : ['a', 'b', 'control'] });
  const file = new HistoryFile(path, headerOf('20:5/s', { part }), () => {});
  for (let at = 0; at < operations; at++) file.add(operationOf(at, {}));
  if (isCut) await file.close();
  else await file.end({ type: 'end', atUs: 0, sent: operations });
  return path;
}

interface SendOptions {
  readonly name?: string;
  readonly token?: string;
  readonly tryMs?: number;
  readonly silentMs?: number;
}

const send = (file: string, url: string, more: SendOptions = {}) => {
  const { name = 'a', tryMs = 0, silentMs = 10_000, ...token } = more;
  return sendPart({ file, url, part: { run: 'run', name }, ...token }, never, { tryMs, silentMs });
};

describe('the file of a part', () => {
  it.each(['.ndjson', '.ndjson.gz'])('is kept as it is: %s', async (ending) => {
    const store = await startStore();
    const file = await partFile({ ending, operations: 2_000 });
    expect(await send(file, store.url)).toBe(`run/a${ending}`);
    expect(readFileSync(join(store.folder, `run/a${ending}`))).toEqual(readFileSync(file));
    expect(store.kept()).toEqual(['run', `run/a${ending}`]);
    expect(store.received).toEqual([`run/a${ending}`]);
  });

  it('has a digest of its records that fits, packed or not', async () => {
    const plain = await partFile();
    const packed = await partFile({ ending: '.ndjson.gz' });
    expect(gunzipSync(readFileSync(packed)).toString()).toBe(readFileSync(plain, 'utf8'));
    expect(await lookAtPart(packed)).toEqual(await lookAtPart(plain));
    expect((await lookAtPart(plain)).digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await lookAtPart(await partFile({ isCut: true }))).not.toHaveProperty('digest');
  });

  it('may be sent again, also packed; another of the same part is refused', async () => {
    const store = await startStore();
    const file = await partFile();
    await Promise.all([send(file, store.url), send(file, store.url)]);
    const packed = join(testFolder(), 'mine.gz');
    writeFileSync(packed, gzipSync(readFileSync(file)));
    expect(await send(packed, store.url)).toBe('run/a.ndjson');
    const other = await partFile({ operations: 2 });
    await expect(send(other, store.url)).rejects.toThrow(
      /did not accept part a: 409 there is another file.*run\/a/,
    );
    expect(readFileSync(join(store.folder, 'run/a.ndjson'))).toEqual(readFileSync(file));
    expect(store.received).toEqual(['run/a.ndjson', 'run/a.double.ndjson']);
  });

  it('is not judged as the only one, if another process has sent the part, too', async () => {
    const root = testFolder();
    const store = await startStore({ folder: join(root, 'parts') });
    await send(await partFile(), store.url);
    for (const operations of [2, 3])
      await expect(send(await partFile({ operations }), store.url)).rejects.toThrow(/409 .*/);
    const how = { stdin: () => process.stdin, signal: never, log: () => {}, onProgress: () => {} };
    const { history } = await readRecorded(historyFilesOf(root), how);
    expect(history.parts?.leftOut.map(({ why }) => why)).toEqual(['double']);
  });

  it('may be called control, like the control part beside it', async () => {
    const root = testFolder();
    const store = await startStore({ folder: join(root, 'parts') });
    mkdirSync(join(root, 'parts/run'));
    copyFileSync(await partFile({ isControl: true, operations: 0 }), join(root, 'parts/run', CONTROL_FILE));
    const file = await partFile({ name: 'control' });
    expect(await send(file, store.url, { name: 'control' })).toBe('run/control.ndjson');
  });

  it('is begun only with the token of the store', async () => {
    const { url } = await startStore({ token: 'secret' });
    const pings = await ClockPings.start(url, never);
    onTestFinished(() => pings.stop());
    const part = { run: 'run', name: 'a' };
    for (const token of ['other', undefined])
      expect(await pings.start(part, { sender: 'stranger', ...(token && { token }) })).toBeUndefined();
    expect(await pings.start(part, { sender: 'load.1', token: 'secret' })).toBeUndefined();
    expect(await pings.start(part, { sender: 'load.1', token: 'secret' })).toBeUndefined(); // the reply was lost
    expect(await pings.start(part, { sender: 'load.2', token: 'secret' })).toMatch(/sends this part: load.1/);
  });

  it('of an n-th has a name that no region has', async () => {
    const store = await startStore();
    const file = await partFile({ name: 'a:2/2' });
    expect(await send(file, store.url, { name: 'a:2/2' })).toBe('run/a.2-of-2.ndjson');
  });

  it.each([
    { title: 'is cut short', why: /422 the file is not complete/, make: () => partFile({ isCut: true }) },
    {
      title: 'is a control part',
      why: /422 the file is a control part/,
      make: () => partFile({ isControl: true, operations: 0 }),
    },
    {
      title: 'was altered',
      why: /422 the file is not complete/,
      make: async () => {
        const file = await partFile();
        writeFileSync(file, readFileSync(file, 'utf8').replace('"cost":1', '"cost":2'));
        return file;
      },
    },
    {
      title: 'is no part',
      why: /422 no file of a part: its header names no part/,
      make: async () => {
        const file = join(testFolder(), 'x');
        writeFileSync(file, `${JSON.stringify(headerOf('20:5/s'))}\n`);
        return file;
      },
    },
    {
      title: 'is another part',
      why: /422 the file is part b of run run/,
      make: () => partFile({ name: 'b' }),
    },
    {
      title: 'is too large',
      why: /413 a file has at most 5000 bytes/,
      make: () => partFile({ operations: 100 }),
    },
  ])('is refused if it $title, and nothing of it is kept', async ({ make, why }) => {
    const store = await startStore({ mostBytes: 5_000 });
    const file = await make();
    const failure = await send(file, store.url).catch((error) => error);
    expect(failure).toMatchObject({ code: 'ENVIRONMENT_FAILED', hint: expect.stringContaining(file) });
    expect(failure.message).toMatch(why);
    expect(store.kept()).toEqual([]);
    await expect(fetch(`${store.url}/clock`).then(({ status }) => status)).resolves.toBe(200);
  });

  it('is refused without the token, whatever its size', async () => {
    const store = await startStore({ token: 'secret' });
    const file = await partFile({ operations: 20_000 });
    for (const token of [{}, { token: 'other' }])
      await expect(send(file, store.url, token)).rejects.toThrow(/401 the token of the sender is not/);
    expect(store.kept()).toEqual([]);
    expect(await send(file, store.url, { token: 'secret' })).toBe('run/a.ndjson');
  });

  it('is sent again until the clock is back', async () => {
    const port = await freePort();
    const file = await partFile();
    const sending = send(file, `http://127.0.0.1:${port}`, { tryMs: 20_000 });
    const store = await startStore({ port });
    expect(await sending).toBe('run/a.ndjson');
    expect(store.received).toHaveLength(1);
  });

  it('is waited for while the server reads it, longer than for a silent connection', async () => {
    const silentMs = 100;
    const look = async (file: string) => {
      await new Promise((resolve) => setTimeout(resolve, 5 * silentMs));
      return lookAtPart(file);
    };
    const store = await startStore({ look });
    expect(await send(await partFile(), store.url, { silentMs })).toBe('run/a.ndjson');
  });

  it('is sent again for a minute from the first failure on, however long it was sent before', async () => {
    const clock = vi.spyOn(performance, 'now');
    onTestFinished(() => clock.mockRestore());
    let asked = 0;
    const answers = createServer((request, response) => {
      request.resume();
      clock.mockReturnValue(120_000); // the first took two minutes
      response.statusCode = asked++ === 0 ? 503 : 200;
      request.on('end', () => response.end('{"file":"run/a.ndjson"}'));
    });
    clock.mockReturnValue(0);
    onTestFinished(() => void answers.close());
    await new Promise<void>((resolve) => answers.listen(0, '127.0.0.1', resolve));
    const { port } = answers.address() as AddressInfo;
    const sent = send(await partFile(), `http://127.0.0.1:${port}`, { tryMs: 60_000 });
    expect(await sent).toBe('run/a.ndjson');
  });

  it('leaves nothing in the folder if the server ends meanwhile', async () => {
    const store = await startStore();
    const { hostname, port } = new URL(store.url);
    const sender = connect(Number(port), hostname);
    onTestFinished(() => void sender.destroy());
    sender.on('error', () => {});
    sender.write(
      'PUT /parts/run/a HTTP/1.1\r\nhost: a\r\ndigest: sha-256=AAAA\r\ncontent-length: 99\r\n\r\nbegin',
    );
    await expect.poll(store.kept).toContainEqual(expect.stringMatching(/\.unfinished$/));
    store.clock.server.closeAllConnections();
    await store.clock.close();
    expect(store.kept()).toEqual([]);
  });

  it('is named by the error if the clock stays away', async () => {
    const file = await partFile();
    const failure = await send(file, `http://127.0.0.1:${await freePort()}`).catch((error) => error);
    expect(failure.message).toMatch(/did not accept part a: ECONNREFUSED/);
    expect(failure.hint).toContain(`it is in ${file}: copy it to the machine where \`check\` runs`);
  });

  it('is sent no more once it is interrupted', async () => {
    const stop = new AbortController();
    const url = `http://127.0.0.1:${await freePort()}`;
    const sending = sendPart({ file: await partFile(), url, part: { run: 'run', name: 'a' } }, stop.signal);
    stop.abort();
    await expect(sending).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('is refused while the disk takes nothing, and the clock goes on', async () => {
    const store = await startStore();
    rmSync(store.folder, { recursive: true });
    writeFileSync(store.folder, 'no folder');
    onTestFinished(() => rmSync(store.folder));
    await expect(send(await partFile(), store.url)).rejects.toThrow(/500 .*(ENOTDIR|EEXIST)/);
    await expect(fetch(`${store.url}/clock`).then(({ status }) => status)).resolves.toBe(200);
  });
});

describe('the sender of a part', () => {
  const check = (url: string, token?: string) =>
    checkTaken({ url, ...(token !== undefined && { token }) }, never).catch((error) => error);

  it.each([
    {
      title: 'a server without --parts',
      start: async () => (await startServer(createClockServer())).url,
      says: [/does not take the file of this part: 403 .*without --parts/, /^start that clock with --parts/],
    },
    {
      title: 'a server that wants a token',
      start: async () => (await startStore({ token: 'secret' })).url,
      says: [/: 401 the token/, /^set OPENCLAW_RL_TOKEN to the token of `serve clock`; or use --out/],
    },
    {
      title: 'a server with another token',
      token: 'other',
      start: async () => (await startStore({ token: 'secret' })).url,
      says: [/: 401 the token/, /^set OPENCLAW_RL_TOKEN to the same token here and for `serve clock`;/],
    },
  ])('is refused before the load by $title', async ({ start, token, says: [message, hint] }) => {
    expect(await check(await start(), token)).toMatchObject({
      code: 'ENVIRONMENT_FAILED',
      message: expect.stringMatching(message ?? ''),
      hint: expect.stringMatching(hint ?? ''),
    });
  });

  it('is not refused if its token fits, or if nothing answers: the file may be accepted later', async () => {
    const { url } = await startStore({ token: 'secret' });
    expect(await check(url, 'secret')).toBeUndefined();
    expect(await check((await startStore()).url)).toBeUndefined();
    expect(await check(`http://127.0.0.1:${await freePort()}`)).toBeUndefined();
  });
});

describe('a server of parts', () => {
  const digest = { digest: 'sha-256=AAAA' };
  it.each([
    { title: 'another method', path: '/parts/run/a', method: 'POST', status: 405 },
    {
      title: 'a run with a path',
      path: `/parts/${encodeURIComponent('../x')}/a`,
      method: 'PUT',
      status: 400,
    },
    { title: 'a hidden run', path: '/parts/.x/a', method: 'PUT', status: 400 },
    { title: 'a part with a path', path: '/parts/run/a%2F..%2Fb', method: 'PUT', status: 400 },
    { title: 'a name that is not encoded properly', path: '/parts/run/%', method: 'PUT', status: 400 },
    { title: 'no digest', path: '/parts/run/a', method: 'PUT', status: 400, headers: {} },
    { title: 'another digest', path: '/parts/run/a', method: 'PUT', status: 400 },
    { title: 'another path', path: '/parts/run', method: 'PUT', status: 404 },
  ])('refuses $title', async ({ path, method, status, headers = digest }) => {
    const store = await startStore();
    const answer = await fetch(store.url + path, { method, headers, body: 'x' });
    expect([answer.status, Object.keys((await answer.json()) as object)]).toEqual([status, ['error']]);
    expect(store.received).toEqual([]);
  });
});
