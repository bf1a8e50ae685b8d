// Measures homes on a healthy cluster of three regions with the default round trips.
//   npm run bench:homes [-- --rate 400 --lease-rate 6000 --seconds 10 --seeds 1,2,3 --only lease --server valkey-server]
//   npm run bench:homes -- --curve [--rates 600,6000 --seconds 10 --seeds 1]
//   npm run bench:homes -- --closed [--seconds 5 --pairs 5 --roaming 0,0.2]
//
// Open load, the default: `central`, `acked` and `lease`, each with and without homes in alternation, for each seed. It
// shows the waits in each region, for users at home and for roaming ones, and the Redis calls per decision. Closed
// load: requests per second of `central` with homes over the default round trips, beside those without homes where no
// link has a round trip. Curve: waits and calls of `lease` by the length of a lease, with homes / without. Each region's
// limiter runs in this process. Exit code 1 where a goal is missed.
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { measureClosed } from './homes/closed.mjs';
import { measureCurve } from './homes/curve.mjs';
import { measureOpen } from './homes/open.mjs';

const { values: flags } = parseArgs({
  options: {
    closed: { type: 'boolean', default: false },
    curve: { type: 'boolean', default: false },
    rates: { type: 'string', default: '600,6000' },
    rate: { type: 'string', default: '400' },
    'lease-rate': { type: 'string', default: '6000' },
    seconds: { type: 'string' },
    seeds: { type: 'string', default: '1,2,3' },
    users: { type: 'string', default: '200' },
    roaming: { type: 'string' },
    pairs: { type: 'string', default: '5' },
    only: { type: 'string' },
    server: { type: 'string', default: 'redis-server' },
  },
});

const loads = () => loadavg()[0].toFixed(2);
const before = loads();
const { server } = flags;
const numbers = (text) => text.split(',').map(Number);
const { table, goals } = flags.closed
  ? await measureClosed({
      server,
      pairs: Number(flags.pairs),
      seconds: Number(flags.seconds ?? 5),
      users: Number(flags.users),
      roamings: numbers(flags.roaming ?? '0,0.2'),
    })
  : await measureOpenOrCurve();
say(`${server}, Node ${process.version}, ${cpus().length} cores, load average ${before} to ${loads()}\n`);
say(`${table.join('\n')}\n`);
for (const { isMet, says } of goals) {
  say(`${says}: ${isMet === undefined ? 'no goal' : isMet ? 'met' : 'MISSED'}`);
  if (isMet === false) process.exitCode = 1;
}

function measureOpenOrCurve() {
  const load = {
    server,
    rate: Number(flags.rate),
    leaseRate: Number(flags['lease-rate']),
    seconds: Number(flags.seconds ?? 10),
    seeds: numbers(flags.seeds),
    users: Number(flags.users),
    roaming: Number(flags.roaming ?? 0.2),
    only: flags.only,
  };
  return flags.curve ? measureCurve({ ...load, rates: numbers(flags.rates) }) : measureOpen(load);
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
