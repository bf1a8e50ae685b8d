// A minimal prototype of the two services: `serve rating ...` and `serve gateway ...` with the flags of the runner. It
// checks nothing, limits only users, gives no evidence and has no failover. It shows the cost of node:http, undici and the
// limiter alone on this machine.
import { writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { createLimiter } from '../../dist/index.js';
import { ANSWER_FD } from '../../dist/regions/processes/answer.js';

const { values, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: {
    host: { type: 'string' },
    port: { type: 'string' },
    redis: { type: 'string', multiple: true },
    policy: { type: 'string' },
    prefix: { type: 'string' },
    upstream: { type: 'string' },
    'local-address': { type: 'string' },
  },
});

const services = { rating, gateway };
const server = createServer(services[positionals[1]]());
server.listen(Number(values.port), values.host, () => {
  const { address, port } = server.address();
  const ready = { address: `http://${address}:${port}` };
  writeSync(Number(process.env[ANSWER_FD]), `${JSON.stringify({ ready })}\n`);
});
process.on('SIGTERM', () => process.exit(0));

function rating() {
  const { redis: urls, policy, prefix, 'local-address': localAddress } = values;
  const limiter = createLimiter({ policy, prefix, redis: { urls, cluster: true, localAddress } });
  const ratings = new Map();
  return (request, reply) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text) => {
      body += text;
    });
    request.on('end', async () => {
      try {
        const user = request.headers['x-openclaw-user'];
        const { allowed } = await limiter.take({ user, endpoint: 'ratings' });
        if (allowed) {
          const { item, score } = JSON.parse(body);
          const { count, sum } = ratings.get(item) ?? { count: 0, sum: 0 };
          ratings.set(item, { count: count + 1, sum: sum + score });
        }
        answer(reply, allowed ? 201 : 429, JSON.stringify({ allowed }));
      } catch (error) {
        answer(reply, 503, JSON.stringify({ error: String(error) }));
      }
    });
  };
}

function gateway() {
  const pool = new Pool(values.upstream, { connections: 512 });
  return async (request, reply) => {
    const { method, url, headers } = request;
    const { 'content-type': type, 'content-length': length, 'x-openclaw-user': user } = headers;
    try {
      const { statusCode, body } = await pool.request({
        method,
        path: url,
        body: request,
        headers: { 'content-type': type, 'content-length': length, 'x-openclaw-user': user },
      });
      answer(reply, statusCode, await body.text());
    } catch (error) {
      answer(reply, 502, JSON.stringify({ error: String(error) }));
    }
  };
}

function answer(reply, status, text) {
  reply.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  reply.end(text);
}
