import { Option } from 'commander';
import { invalidOption } from '../../core/errors.ts';
import { quoted } from '../../core/printable.ts';
import type { Protocol, Signal } from '../../otlp/collector.ts';
import type { Collector } from '../../otlp/send-run.ts';
import type { Environment } from '../process/environment.ts';
import { parsedBy } from './options.ts';

/** The value of `otlpOption`. */
export interface OtlpFlag {
  readonly otlp?: string;
}

export function otlpOption(): Option {
  return new Option(
    '--otlp <url>',
    'send the run to an OpenTelemetry collector, by OTLP/HTTP: a trace with its faults, and metrics; headers are read from OTEL_EXPORTER_OTLP_HEADERS',
  ).argParser(parsedBy(parseCollectorUrl));
}

/** The address of a collector, without a slash at its end. Throws INVALID_OPTION. */
function parseCollectorUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw invalidOption('expected the address of an OTLP/HTTP receiver, like http://127.0.0.1:4318');
  if (url.search !== '' || url.hash !== '')
    throw invalidOption('expected an address without ? and #, since /v1/traces and /v1/metrics follow it');
  return url.href.replace(/\/+$/, '').replace(/\/v1\/(traces|metrics)$/, '');
}

const SIGNALS: readonly Signal[] = ['traces', 'metrics'];
const PROTOCOLS: readonly Protocol[] = ['http/protobuf', 'http/json'];

/** What is sent where, and how, by the variables of OpenTelemetry. Throws INVALID_OPTION, without repeating a password. */
export function collectorOf(url: string, { env }: Pick<Environment, 'env'>): Collector {
  const { username, password } = new URL(url);
  if (username !== '' || password !== '')
    throw invalidOption(
      'passwords are not accepted on the command line (other users can see them)',
      'set OTEL_EXPORTER_OTLP_HEADERS=authorization=Basic%20<user:password in base64>',
    );
  const signals = SIGNALS.filter((signal) => env[`OTEL_${signal.toUpperCase()}_EXPORTER`] !== 'none');
  if (signals.length === 0)
    throw invalidOption(
      'OTEL_TRACES_EXPORTER=none and OTEL_METRICS_EXPORTER=none leave nothing to send',
      'unset one of them',
    );
  return {
    url,
    signals,
    protocols: { traces: protocolOf('TRACES', env), metrics: protocolOf('METRICS', env) },
  };
}

function protocolOf(signal: string, env: Environment['env']): Protocol {
  const own = `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`;
  const name = env[own] ? own : 'OTEL_EXPORTER_OTLP_PROTOCOL';
  const given = env[name] || 'http/protobuf';
  const found = PROTOCOLS.find((protocol) => protocol === given);
  if (found !== undefined) return found;
  throw invalidOption(
    `${name} must be http/protobuf or http/json; found ${quoted(given)}`,
    `for this command: ${name}=http/protobuf, and the address of the receiver for HTTP (port 4318 by default)`,
  );
}
