import { type ArrivalFormat, type ForeignFormat, OWN_FORMAT } from './formats/formats.ts';
import { K6_CSV } from './formats/k6.ts';

const COMBINED = /^\S+ \S+ .+ \[\d\d\/\w{3}\/\d{4}:[\d:]{8} [+-]\d{4}\] "/;
const ENVOY = /^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] "/;
const HAPROXY = /haproxy\[\d+\]: |^\S+:\d+ \[\d\d\/\w{3}\/\d{4}:[\d:.]+\] \S+ \S+\/\S+ [\d/+-]+ /;
const BALANCER = /^(?:https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT[\d:.]+Z \S+\/\S+ /;
const BALANCER_TO_CSV =
  'gunzip -c *.gz | awk \'BEGIN{print "ip,end,taken_s,status"} $6>=0{sub(/:[0-9]*$/,"",$4); print $4","$2","$6+$7+$8","$9}\' > alb.csv';
const CLOUDFRONT_TO_CSV =
  'gunzip -c *.gz | awk -F\'\\t\' \'BEGIN{print "ip,end,taken_s,status"} !/^#/{print $5","$1"T"$2"Z,"$19","$9}\' > cdn.csv';

/** What each kind of log looks like in its first line, and what to do about it. */
const KINDS: readonly { readonly looks: RegExp; readonly from?: ForeignFormat; readonly say: string }[] = [
  {
    looks: /^\udcff\udcfe|^\udcfe\udcff/,
    say: 'it looks like UTF-16: convert it with iconv -f utf-16 -t utf-8',
  },
  {
    looks: /[^\P{Cc}\t]/u,
    say: "it looks like vegeta's own binary format: convert it with vegeta encode hits.bin > hits.json, then use --from vegeta",
  },
  { looks: /^metric_name,/, say: K6_CSV },
  {
    looks: /^\{"(?:type|metric|data)".*"(?:Point|Metric)"/,
    from: 'k6',
    say: "it looks like k6's JSON; use --from k6",
  },
  {
    looks: /^\{"attack".*"latency"/,
    from: 'vegeta',
    say: 'it looks like vegeta encode; use --from vegeta',
  },
  { looks: /^\{/, from: 'access-log', say: 'it looks like JSON; use --from access-log' },
  {
    looks: BALANCER,
    say: `it looks like the log of an AWS load balancer, which is not supported; convert it with ${BALANCER_TO_CSV}, then use --from csv --key ip --end end --duration taken_s --status status`,
  },
  {
    looks: /^#(?:Version|Fields|Software): /,
    say: `it looks like a W3C log (CloudFront or IIS), which is not supported; convert it to CSV, for CloudFront with ${CLOUDFRONT_TO_CSV}, then use --from csv; IIS writes time-taken in milliseconds`,
  },
  {
    looks: COMBINED,
    from: 'combined',
    say: "it looks like nginx' or Apache's combined format; use --from combined",
  },
  { looks: ENVOY, from: 'envoy', say: "it looks like Envoy's text format; use --from envoy" },
  { looks: HAPROXY, from: 'haproxy', say: "it looks like HAProxy's HTTP log; use --from haproxy" },
];

/** The format of a log by its first line; undefined if it is like none that has a sign. */
export function formatOfLine(line: string): ArrivalFormat | undefined {
  if (/^\{"type":"header","format":"openclaw-history"/.test(line)) return OWN_FORMAT;
  return KINDS.find(({ looks }) => looks.test(line))?.from;
}

/** A sentence about a line that could not be read in that format; undefined if it looks like no other format. */
export function guessFormat(line: string, format: string): string | undefined {
  const kind = KINDS.find(({ looks }) => looks.test(line));
  return kind === undefined || kind.from === format ? undefined : kind.say;
}
