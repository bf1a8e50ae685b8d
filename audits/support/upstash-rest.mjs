import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

/** What only the servers of Upstash know, in the first line of a script. */
const FLAGS = /^#!lua flags=allow-key-locking\n/;

/**
 * Answers the REST calls of @upstash/redis on 127.0.0.1 with this client of ioredis: `POST /` with a command as a JSON
 * list, `POST /pipeline` with a list of them; texts in base64 if the caller asks for that. `{ url, close }`.
 */
export async function serveRest(client) {
  const run = scripted(client);
  const server = createServer(async (request, response) => {
    const isBase64 = request.headers['upstash-encoding'] === 'base64';
    const { status, body } = await answer(request, run, isBase64 ? encoded : (value) => value);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(request, run, write) {
  const command = await read(request);
  const one = ([name, ...args]) =>
    run(String(name).toUpperCase(), args).then(
      (result) => ({ result: write(result) }),
      ({ message }) => ({ error: message }),
    );
  if (request.url.endsWith('/pipeline')) return { status: 200, body: await Promise.all(command.map(one)) };
  const body = await one(command);
  return { status: body.error === undefined ? 200 : 400, body };
}

async function read(request) {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return JSON.parse(text);
}

/**
 * Runs a command. Scripts are known by their digest, as on a server, and are run without that flag; the nodes of a
 * cluster each load them when they are run.
 */
function scripted(client) {
  const known = new Map();
  const learn = (source) => {
    const sha = createHash('sha1').update(source).digest('hex');
    known.set(sha, source.replace(FLAGS, ''));
    return sha;
  };
  return async (name, args) => {
    if (name === 'SCRIPT' && String(args[0]).toUpperCase() === 'LOAD') return learn(args[1]);
    if (name === 'EVAL') return client.call('EVAL', known.get(learn(args[0])), ...args.slice(1));
    if (name !== 'EVALSHA') return client.call(name, ...args);
    const source = known.get(args[0]);
    if (source === undefined) throw new Error('NOSCRIPT No matching script.');
    return client.call('EVAL', source, ...args.slice(1));
  };
}

function encoded(value) {
  if (Array.isArray(value)) return value.map(encoded);
  return typeof value === 'string' ? Buffer.from(value).toString('base64') : value;
}
