// Writes the logs in docs/examples, the same requests in the formats of different programs: those of an exact limiter of
// 21:5/s (61:1/s where times have whole seconds). Deterministic.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const EXAMPLES = join(import.meta.dirname, '../docs/examples');
const TEN = Date.UTC(2026, 10, 25, 10) * 1_000; // microseconds
const MONTH = 'Nov';

/** Numbers from 0 to 1 (mulberry32). */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The decisions of an exact bucket per user, each request with its own start, end and moment of decision. */
function requests({ capacity, perSecond, users, perUser, seconds, longestUs = 30_000 }) {
  const random = randomOf(7);
  const all = Array.from({ length: users * perUser * seconds }, (_, at) => {
    const startUs = TEN + Math.floor((at / (users * perUser)) * 1e6 + random() * 40_000);
    const lengthUs = 900 + Math.floor(random() ** 3 * longestUs);
    return {
      user: `u${1 + (at % users)}`,
      startUs,
      endUs: startUs + lengthUs,
      atUs: startUs + random() * lengthUs,
    };
  });
  const buckets = new Map();
  for (const request of all.toSorted((a, b) => a.atUs - b.atUs)) {
    const { level, atUs } = buckets.get(request.user) ?? { level: capacity, atUs: request.atUs };
    const now = Math.min(capacity, level + ((request.atUs - atUs) / 1e6) * perSecond);
    request.allowed = now >= 1;
    buckets.set(request.user, { level: request.allowed ? now - 1 : now, atUs: request.atUs });
  }
  return all.toSorted((a, b) => a.endUs - b.endUs);
}

const QUICK = requests({ capacity: 21, perSecond: 5, users: 3, perUser: 20, seconds: 12 });
const ONE = requests({ capacity: 21, perSecond: 5, users: 1, perUser: 40, seconds: 12 });
const SLOW = requests({ capacity: 61, perSecond: 1, users: 3, perUser: 3, seconds: 120 });

const iso = (us, digits) =>
  `${new Date(Math.floor(us / 1_000)).toISOString().slice(0, 19)}${
    digits === 0
      ? ''
      : `.${String(Math.floor(us) % 1_000_000)
          .padStart(6, '0')
          .slice(0, digits)}`
  }`;
const clf = (us) => {
  const [date, clock] = iso(us, 0).split('T');
  return `${date.slice(8)}/${MONTH}/${date.slice(0, 4)}:${clock}`;
};
const ipOf = (user) => `10.0.0.${user.slice(1)}`;
const status = ({ allowed }) => (allowed ? 200 : 429);
const seconds = (us, digits) => (us / 1e6).toFixed(digits);
const combined = (request, us) =>
  `${ipOf(request.user)} - - [${clf(us)} +0000] "GET /search?user=${request.user} HTTP/1.1" ${status(request)} 31 "-" "curl/8.5.0"`;

const LOGS = {
  'nginx-combined.log': SLOW.map((request) => combined(request, request.endUs)),
  'apache-combined.log': SLOW.map((request) => combined(request, request.startUs)),
  'envoy.log': QUICK.map(
    (request) =>
      `[${iso(request.startUs, 3)}Z] "GET /search HTTP/1.1" ${status(request)} - 0 31 ${Math.floor((request.endUs - request.startUs) / 1_000)} 1 "${ipOf(request.user)}" "curl/8.5.0" "7f6c-${request.startUs}" "api.example.com" "10.0.9.9:8080"`,
  ),
  'envoy.json': QUICK.map((request) =>
    JSON.stringify({
      start_time: `${iso(request.startUs, 3)}Z`,
      duration: Math.floor((request.endUs - request.startUs) / 1_000),
      response_code: status(request),
      x_api_key: request.user,
    }),
  ),
  'caddy.json': QUICK.map((request) =>
    JSON.stringify({
      ...{ level: 'info', ts: request.endUs / 1e6, logger: 'http.log.access', msg: 'handled request' },
      request: { remote_ip: ipOf(request.user), method: 'GET', headers: { 'X-Api-Key': [request.user] } },
      ...{ duration: (request.endUs - request.startUs) / 1e6, size: 31, status: status(request) },
    }),
  ),
  'traefik.json': QUICK.map((request) =>
    JSON.stringify({
      ...{ ClientHost: ipOf(request.user), DownstreamStatus: status(request) },
      ...{ Duration: (request.endUs - request.startUs) * 1_000, StartUTC: `${iso(request.startUs, 6)}000Z` },
    }),
  ),
  'haproxy.log': QUICK.map((request) => {
    const ms = Math.floor((request.endUs - request.startUs) / 1_000);
    const date = `${clf(request.startUs)}.${String(Math.floor(request.startUs / 1_000) % 1_000).padStart(3, '0')}`;
    return `Nov 25 10:00:00 lb haproxy[1438]: ${ipOf(request.user)}:33317 [${date}] http-in api/srv1 0/0/0/${ms}/${ms} ${status(request)} 175 - - ---- 1/1/1/1/0 0/0 {${request.user}} "GET /search HTTP/1.1"`;
  }),
  'google-cloud.json': QUICK.map((request) =>
    JSON.stringify({
      httpRequest: {
        ...{ latency: `${seconds(request.endUs - request.startUs, 6)}s`, status: status(request) },
        ...{ remoteIp: ipOf(request.user), requestMethod: 'GET' },
      },
      timestamp: `${iso(request.startUs, 6)}Z`,
    }),
  ),
  'hey.csv': [
    'response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset',
    ...ONE.map(
      (request) =>
        `${seconds(request.endUs - request.startUs, 4)},0.0000,0.0000,0.0000,0.0009,0.0000,${status(request)},${seconds(request.startUs - TEN, 4)}`,
    ),
  ],
  'jmeter.csv': [
    'timeStamp,elapsed,label,responseCode,responseMessage,threadName,success,failureMessage',
    ...QUICK.map(
      (request) =>
        `${Math.floor(request.startUs / 1_000)},${Math.floor((request.endUs - request.startUs) / 1_000)},${request.user},${status(request)},,pool 1-1,${request.allowed},${request.allowed ? '' : '"expected: 200\nfound: 429"'}`,
    ),
  ],
  'database.csv': [
    'user;requested_at;answered_at;status',
    ...QUICK.map(
      (request) =>
        `${request.user};${iso(request.startUs, 6).replace('T', ' ')}+00;${iso(request.endUs, 6).replace('T', ' ')}+00;${status(request)}`,
    ),
  ],
};

for (const [name, lines] of Object.entries(LOGS))
  writeFileSync(join(EXAMPLES, `${name}.gz`), gzipSync(`${lines.join('\n')}\n`, { level: 9 }));
