import { RecordError } from '../../records/fields.ts';
import type { LineFormat } from '../lines.ts';
import { TextLine } from './text-line.ts';

const NAMES = [
  ...['client_ip', 'client_port', 'request_date', 'frontend_name', 'backend_name', 'server_name'],
  ...['TR', 'Tw', 'Tc', 'Tr', 'Ta', 'status_code', 'bytes_read', 'captured', 'request'],
];

const LINE = new RegExp(
  [
    String.raw`(\S+):(\d+) \[([^\]]+)\] (\S+) ([^\s/]+)/(\S+)`,
    String.raw` (-?\d+)/(-?\d+)/(-?\d+)/(-?\d+)/([+-]?\d+) (-?\d+) \+?(\d+)`,
    String.raw` \S+ \S+ \S{4} [\d/+]+ \d+/\d+((?: \{[^}]*\})*) "(.*)"$`,
  ].join(''),
);

/**
 * HAProxy's HTTP log (`option httplog`), with or without the prefix of syslog. `request_date` is when the first byte of
 * the request came, in the machine's own zone, and `Ta` the milliseconds until the last byte of the reply was sent.
 * Captured headers are `capture.0`, `capture.1` and so on.
 */
export function haproxyFormat(): LineFormat {
  return {
    read(line) {
      if (line.trim() === '') return undefined;
      const [all, ...values] = LINE.exec(line) ?? [];
      if (all === undefined) throw new RecordError('not in the format of option httplog');
      if (values[NAMES.indexOf('Ta')]?.startsWith('+'))
        throw new RecordError(
          'the request was logged before it ended (option logasap), so the time of its end is unknown',
        );
      const captures = [...(values[NAMES.indexOf('captured')] ?? '').matchAll(/\{([^}]*)\}/g)].flatMap(
        ([, inside = '']) => inside.split('|'),
      );
      const names = [...NAMES, ...captures.map((_, at) => `capture.${at}`)];
      return new TextLine(names, [...values.map((value) => value ?? ''), ...captures]);
    },
  };
}
