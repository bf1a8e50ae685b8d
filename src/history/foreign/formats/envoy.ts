import { RecordError } from '../../records/fields.ts';
import type { LineFormat } from '../lines.ts';
import { TextLine } from './text-line.ts';
import { splitTokens } from './tokens.ts';

const FIRST = ['start_time', 'request', 'response_code', 'response_flags'];
const LAST = [
  ...['bytes_received', 'bytes_sent', 'duration', 'upstream_service_time', 'x_forwarded_for', 'user_agent'],
  ...['request_id', 'authority', 'upstream_host'],
];

const ENVOY = [...FIRST, ...LAST];
const ISTIO = [
  ...[...FIRST, 'response_code_details', 'connection_termination_details'],
  ...['upstream_transport_failure_reason', ...LAST, 'upstream_cluster', 'upstream_local_address'],
  ...['downstream_local_address', 'downstream_remote_address', 'requested_server_name', 'route_name'],
];

/**
 * Envoy's default format, and Istio's. `start_time` is when the request came, and `duration` the milliseconds until the
 * last byte of the reply was sent. Envoy escapes nothing, so a header with a quotation mark changes the number of values;
 * all lines of a file must have as many as the first.
 */
export function envoyFormat(): LineFormat {
  let names: readonly string[] | undefined;
  return {
    read(line) {
      if (line.trim() === '') return undefined;
      const tokens = splitTokens(line, 'raw');
      const found = [ENVOY, ISTIO].find(({ length }) => length === tokens.length);
      if (found === undefined || (names !== undefined && found !== names) || !line.startsWith('['))
        throw new RecordError(
          `expected the ${(names ?? ENVOY).length} values of Envoy's default format${names === undefined ? `, or ${ISTIO.length} of Istio's` : ''}; found ${tokens.length}`,
        );
      names = found;
      return new TextLine(found, tokens);
    },
  };
}
