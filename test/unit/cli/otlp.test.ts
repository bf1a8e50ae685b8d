import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { callCli } from '../../support/call-cli.ts';
import { startCli } from '../../support/cli.ts';
import {
  metricsIn,
  type PointSent,
  pointsOf,
  type SpanSent,
  spansIn,
  startCollector,
  valuesOf,
} from '../../support/otlp/collector.ts';
import { keepRun, ORIGIN, RUN } from '../../support/otlp/kept-run.ts';

/** Seconds of the run's clock. */
const secondsOf = (nanos: string) =>
  Number(BigInt(nanos) / 1_000n - BigInt(Date.parse(ORIGIN)) * 1_000n) / 1e6;
const timesOf = ({ startTimeUnixNano, endTimeUnixNano }: SpanSent) => [
  secondsOf(startTimeUnixNano),
  secondsOf(endTimeUnixNano),
];
/** A short time until it gives up: retries take longer than all else here. */
const IMPATIENT = { OTEL_EXPORTER_OTLP_TIMEOUT: '1500' };

/** Sends the kept run with these variables: the exporters read those of the process. */
async function send(
  args: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: Readonly<Record<string, string>> },
) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  return callCli(['report', 'chaos-partition-1', ...args], { cwd });
}

describe('report --otlp', () => {
  it('sends one trace: the run, its faults, takeovers as events, at the times of the run', async () => {
    const { url, received } = await startCollector();
    const { cwd, report } = keepRun();
    const { code, stdout, stderr } = await send(['--otlp', url], { cwd });
    expect([code, stderr]).toEqual([1, expect.not.stringContaining('note')]);
    const { resource, items: spans } = spansIn(received);
    expect(valuesOf(resource.attributes)).toMatchObject({
      ...{ 'service.name': 'openclaw-rl', 'service.instance.id': RUN, 'openclaw_rl.seed': 1 },
      'service.version': expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    const [root] = spans.filter(({ parentSpanId = '' }) => parentSpanId === '');
    const childrenOf = (parent: SpanSent | undefined) =>
      spans
        .filter(({ parentSpanId }) => parentSpanId === parent?.spanId)
        .map((span) => [span.name, ...timesOf(span)]);
    expect(root && [root.name, ...timesOf(root)]).toEqual(['run chaos-partition', 0, 21]);
    expect(valuesOf(root?.attributes)).toMatchObject({
      ...{ 'openclaw_rl.scenario': 'chaos-partition', 'openclaw_rl.strategy': report.strategy },
      ...{ 'openclaw_rl.verdict': 'fail', 'test.suite.run.status': 'failure', 'openclaw_rl.requests': 3_000 },
      'openclaw_rl.claims.broken': expect.arrayContaining(['total-excess <= 0']),
    });
    expect(root?.status).toEqual({ code: 2, message: expect.stringMatching(/^broken: .*total-excess <= 0/) });
    expect(childrenOf(root)).toEqual([
      ['fault partition', 5, 16],
      ['fault command', 18, 21],
    ]);
    const partition = spans.find(({ name }) => name === 'fault partition');
    expect(valuesOf(partition?.attributes)).toEqual({
      'openclaw_rl.fault.name': 'partition',
      'openclaw_rl.fault.isolate': ['eu-west'],
      'openclaw_rl.fault.healed': true,
    });
    expect(childrenOf(partition)).toEqual([
      ['in force', 5, 13],
      ['settle', 13, 16],
    ]);
    expect(partition?.events?.map(({ name, timeUnixNano }) => [name, secondsOf(timeUnixNano)])).toEqual([
      ['inject', 5],
      ['heal', 13],
      ['settled', 16],
    ]);
    expect(root?.events?.map(({ name, timeUnixNano }) => [name, secondsOf(timeUnixNano)])).toEqual([
      ['restart', 1],
      ['takeover', 9],
    ]);
    expect(valuesOf(root?.events?.at(-1)?.attributes)).toMatchObject({ 'openclaw_rl.node': 'ap-south-1' });
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(stdout).toContain(`sent ${RUN} to ${url}\n  trace ${root?.traceId}: ${spans.length} spans\n`);
  });

  it('sends metrics as series over the run that add up to its report', async () => {
    const { url, received } = await startCollector();
    const { cwd, report } = keepRun();
    const { stdout } = await send(['--otlp', url], { cwd });
    const { items: metrics } = metricsIn(received);
    const seriesOf = (name: string, wanted: Record<string, unknown> = {}): readonly PointSent[] => {
      const metric = metrics.find((found) => found.name === `openclaw_rl.run.${name}`);
      return (metric ? pointsOf(metric) : []).filter(({ attributes }) => {
        const values = valuesOf(attributes);
        return Object.entries(wanted).every(([key, value]) => values[`openclaw_rl.${key}`] === value);
      });
    };
    const lastOf = (name: string, wanted?: Record<string, unknown>) =>
      seriesOf(name, wanted).at(-1)?.asDouble;
    const allowed = seriesOf('requests', { region: 'eu-west', outcome: 'allowed' });
    const numbers = allowed.map(({ asDouble = Number.NaN }) => asDouble);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(allowed.map(({ timeUnixNano }) => secondsOf(timeUnixNano))).toEqual(numbers.map((_, at) => at));
    expect(new Set(allowed.map(({ startTimeUnixNano }) => secondsOf(startTimeUnixNano)))).toEqual(
      new Set([0]),
    );
    expect([numbers.length, numbers[0]]).toEqual([22, 0]);
    for (const { name: region, outcomes, excess, falseDenials } of report.regions) {
      expect(lastOf('requests', { region, outcome: 'allowed' })).toBe(outcomes.allowed);
      expect(lastOf('requests', { region, outcome: 'denied' })).toBe(outcomes.denied);
      expect(lastOf('excess', { region })).toBeCloseTo(excess, 2);
      expect(lastOf('false_denials', { region })).toBe(falseDenials);
      const durations = seriesOf('request.duration', { region, outcome: 'denied' }).at(-1);
      expect(Number(durations?.count)).toBe(outcomes.denied);
      expect(durations?.bucketCounts?.reduce((sum, count) => sum + Number(count), 0)).toBe(outcomes.denied);
      expect(durations?.explicitBounds?.length).toBe((durations?.bucketCounts?.length ?? 0) - 1);
      expect((durations?.sum ?? 0) / outcomes.denied).toBeGreaterThan(0.05);
      expect((durations?.sum ?? 1) / outcomes.denied).toBeLessThan(0.13);
    }
    expect(report.overAdmission.totalExcess).toBeGreaterThan(10);
    expect(seriesOf('active_faults', { 'fault.name': 'partition' }).map(({ asDouble }) => asDouble)).toEqual(
      allowed.map((_, second) => (second >= 5 && second < 13 ? 1 : 0)),
    );
    expect(seriesOf('takeovers').map(({ asDouble }) => asDouble)).toEqual(
      allowed.map((_, second) => (second >= 9 ? 1 : 0)),
    );
    expect(seriesOf('verdict').map(({ attributes, asDouble }) => [valuesOf(attributes), asDouble])).toEqual(
      [
        ['pass', 0],
        ['fail', 1],
        ['unknown', 0],
      ].map(([verdict, value]) => [
        {
          'openclaw_rl.scenario': 'chaos-partition',
          'openclaw_rl.strategy': report.strategy,
          'openclaw_rl.verdict': verdict,
        },
        value,
      ]),
    );
    expect(lastOf('claims', { 'claim.status': 'broken' })).toBe(
      report.claims.filter(({ status }) => status === 'broken').length,
    );
    const [shard] = report.shards;
    expect(lastOf('bucket_excess.largest', { shard: shard?.shard })).toBe(shard?.largestExcess.tokens);
    const points = metrics.reduce((sum, metric) => sum + pointsOf(metric).length, 0);
    expect(stdout).toContain(`\n  ${metrics.length} metrics: ${points} points\n`);
  });

  it('sends no name of a user or a bucket, and no command', async () => {
    const { url, received } = await startCollector();
    const { cwd, folder } = keepRun();
    await send(['--otlp', url], { cwd });
    const text = JSON.stringify(received.map(({ body }) => body));
    expect(text).toContain('chaos-partition');
    expect(text).not.toMatch(/ratings|u99|hush|openclaw-rl bench/);
    expect(text).not.toContain(folder);
  });

  it('sends the same ids and points each time, as protobuf or as JSON', async () => {
    const { url, received } = await startCollector();
    const { cwd } = keepRun();
    await send(['--otlp', url], { cwd });
    await send(['--otlp', `${url}/`], {
      cwd,
      env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' },
    });
    const [traces, metrics, tracesAgain, metricsAgain] = received;
    expect(received.map(({ headers }) => headers['content-type'])).toEqual([
      ...['application/x-protobuf', 'application/x-protobuf'],
      ...['application/json', 'application/json'],
    ]);
    expect(spansIn([tracesAgain as never]).items.map(comparable)).toEqual(
      spansIn([traces as never]).items.map(comparable),
    );
    const seriesIn = (request: typeof metrics) =>
      metricsIn([request as never]).items.map((metric) => [
        metric.name,
        metric.unit,
        pointsOf(metric).map(({ attributes, timeUnixNano, asDouble, count }) => [
          valuesOf(attributes),
          timeUnixNano,
          asDouble,
          count === undefined ? undefined : Number(count),
        ]),
      ]);
    expect(seriesIn(metricsAgain)).toEqual(seriesIn(metrics));
  });

  it('reads headers, what is sent, and what describes the service, from the variables of OpenTelemetry', async () => {
    const { url, received } = await startCollector();
    const { cwd } = keepRun();
    const env = {
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20hush',
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_SERVICE_NAME: 'gate',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=ci',
    };
    const { stdout, stderr } = await send(['--otlp', `${url}/v1/metrics`], { cwd, env });
    expect(received.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/v1/metrics', 'Bearer hush'],
    ]);
    const { resource } = metricsIn(received);
    expect(valuesOf(resource.attributes)).toMatchObject({
      ...{ 'service.name': 'gate', 'deployment.environment.name': 'ci', 'service.instance.id': RUN },
    });
    expect(stdout + stderr).not.toMatch(/trace|hush/);
  });

  it('sends the totals of a run whose history is gone, and says so', async () => {
    const { url, received } = await startCollector();
    const { cwd, folder, report } = keepRun();
    rmSync(join(folder, 'history.ndjson'));
    const { code, stderr } = await send(['--otlp', url], { cwd });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/only totals were sent/)]);
    const { items: metrics } = metricsIn(received);
    const requests = metrics.find(({ name }) => name === 'openclaw_rl.run.requests');
    const last = requests && pointsOf(requests).filter(({ asDouble = 0 }) => asDouble > 0);
    expect(last?.reduce((sum, { asDouble = 0 }) => sum + asDouble, 0)).toBe(report.sent);
    expect(metrics.map(({ name }) => name)).not.toContain('openclaw_rl.run.request.duration');
  });
});

/** A span of JSON and one of protobuf differ in what they leave out. */
function comparable({ attributes, events = [], parentSpanId = '', ...span }: SpanSent) {
  const { traceId, spanId, name, startTimeUnixNano, endTimeUnixNano } = span;
  return {
    ...{ traceId, spanId, parentSpanId, name, startTimeUnixNano, endTimeUnixNano },
    attributes: valuesOf(attributes),
    events: events.map((event) => [event.name, event.timeUnixNano, valuesOf(event.attributes)]),
  };
}

describe('a collector that does not take the run', () => {
  it.each([
    {
      title: 'asks for a login',
      answer: { status: 401, body: 'no' },
      says: /refused the spans: 401 no\n.*OTEL_EXPORTER_OTLP_HEADERS=authorization=/,
    },
    {
      title: 'takes no traces',
      answer: { status: 404, body: '404 page not found' },
      says: /\/v1\/traces refused the spans: 404 .*\n.*OTEL_TRACES_EXPORTER=none/,
    },
    {
      title: 'has points that are too new for those of the run',
      answer: { status: 400, body: 'out of bounds' },
      env: { OTEL_TRACES_EXPORTER: 'none' },
      says: /refused the metrics: 400 out of bounds\n.*out_of_order_time_window/,
    },
    {
      title: 'has another encoding',
      answer: { status: 415, body: '' },
      says: /415 .*\n.*OTEL_EXPORTER_OTLP_PROTOCOL=http\/json/,
    },
    {
      title: 'is not ready, however often it is asked',
      answer: { status: 503, body: '' },
      says: /does not take the spans now: it answered 429, 502, 503 or 504 each time\n/,
    },
    {
      title: 'prints what a terminal would obey',
      answer: { status: 400, body: '\u001b[2Jgone\n::error::x' },
      says: /400 \\u001b\[2Jgone ::error::x\n/,
    },
  ])('$title', async ({ answer, env, says }) => {
    const { url } = await startCollector((_, response) => {
      response.statusCode = answer.status;
      response.end(answer.body);
    });
    const { cwd } = keepRun();
    const { code, stdout, stderr } = await send(['--otlp', url], {
      cwd,
      env: { ...IMPATIENT, ...env },
    });
    expect(stderr).toMatch(says);
    expect([code, stdout]).toEqual([69, '']);
  });

  it('is not there', async () => {
    const { cwd } = keepRun();
    const { code, stderr } = await send(['--otlp', 'http://127.0.0.1:9'], {
      cwd,
      env: IMPATIENT,
    });
    expect([code, stderr]).toEqual([
      69,
      expect.stringMatching(
        /no collector answers at http:\/\/127\.0\.0\.1:9\/v1\/traces: ECONNREFUSED\n.*4318/,
      ),
    ]);
  });

  it('never answers, until Ctrl-C', async () => {
    const { url, received } = await startCollector(() => {});
    const { cwd } = keepRun();
    const { child, ended } = startCli(['report', 'chaos-partition-1', '--otlp', url], { cwd });
    await vi.waitUntil(() => received.length > 0, { timeout: 60_000 });
    child.kill('SIGINT');
    expect(await ended).toBe(130);
  });

  it.each(['http/protobuf', 'http/json'])('takes a part of it, and says so by %s', async (protocol) => {
    const { url } = await startCollector((path, response) => {
      if (path === '/v1/traces') return void response.end();
      response.setHeader(
        'Content-Type',
        protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
      );
      const text = 'series limit reached';
      response.end(
        protocol === 'http/json'
          ? JSON.stringify({ partialSuccess: { rejectedDataPoints: '7', errorMessage: text } })
          : Buffer.concat([
              Buffer.from([0x0a, text.length + 4, 0x08, 7, 0x12, text.length]),
              Buffer.from(text),
            ]),
      );
    });
    const { cwd } = keepRun();
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
    const { code, stderr } = await send(['--otlp', url], { cwd, env });
    expect([code, stderr]).toEqual([
      69,
      expect.stringMatching(/\/v1\/metrics rejected 7 data points: series limit reached\n/),
    ]);
  });

  it('warns, and has taken all', async () => {
    const { url } = await startCollector((path, response) => {
      const body = { partialSuccess: { errorMessage: 'names are deprecated' } };
      response.end(path === '/v1/traces' ? JSON.stringify(body) : '');
    });
    const { cwd } = keepRun();
    const env = { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' };
    const { code, stderr } = await send(['--otlp', url], { cwd, env });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/note: the collector warns of the spans: names are deprecated\n/),
    ]);
  });
});

it.each([
  { args: ['--otlp', 'localhost:4318'], says: /like http:\/\/127\.0\.0\.1:4318/ },
  { args: ['--otlp', 'http://a:hush@localhost:4318'], says: /OTEL_EXPORTER_OTLP_HEADERS/ },
  { args: ['--otlp', 'http://localhost:4318?x=1'], says: /without \? and #/ },
  { args: ['--otlp', 'http://localhost:4318', '--json'], says: /cannot be used with/ },
  {
    args: ['--otlp', 'http://localhost:4318'],
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    says: /must be http\/protobuf or http\/json; found "grpc"/,
  },
  {
    args: ['--otlp', 'http://localhost:4318'],
    env: { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' },
    says: /leave nothing to send/,
  },
])('is refused before anything is read: $args $env', async ({ args, env, says }) => {
  const { cwd } = keepRun();
  const { code, stdout, stderr } = await send([...args], { cwd, ...(env && { env }) });
  expect(stderr).toMatch(says);
  expect(stderr).not.toContain('hush');
  expect([code, stdout]).toEqual([64, '']);
});

it.each([
  { title: 'the servers', clock: true, says: /dates are by the clocks of the Redis nodes/ },
  { title: 'its start', clock: false, says: /up to a minute too early/ },
])('dates a run without a date of its own by $title', async ({ clock, says }) => {
  const { url, received } = await startCollector();
  const serverUs = 1_000 * (Date.parse(ORIGIN) + 2_000);
  const readings = clock
    ? [{ type: 'clock', node: 'n', atUs: 2_000_000, serverUs, errorUs: 3 } as const]
    : [];
  const { cwd } = keepRun({ readings, originAt: null });
  const { stderr } = await send(['--otlp', url], { cwd });
  expect(stderr).toMatch(says);
  const [root] = spansIn(received).items.filter(({ parentSpanId = '' }) => parentSpanId === '');
  expect(root && timesOf(root)[0]).toBe(clock ? 0 : -12.5);
});
