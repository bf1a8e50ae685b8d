import { formatPolicy } from '../../../src/core/policy.ts';
import { Dice } from './dice.ts';
import type { LogFile } from './own-format.ts';
import type { Attempt } from './requests.ts';
import type { Answer, Run } from './run.ts';

/** A log and the options of `check` that describe it. */
export interface ForeignLog {
  readonly files: readonly LogFile[];
  readonly args: readonly string[];
}

const RESOLUTIONS_US = { us: 1, ms: 1_000, s: 1_000_000 } as const;
type Resolution = keyof typeof RESOLUTIONS_US;

interface Style {
  readonly resolution: Resolution;
  readonly fields: 'start and end' | 'start and duration' | 'end and duration';
  /** Rounds down, or to the nearest. */
  readonly rounds: (units: number) => number;
  /** What a denial is written as. */
  readonly denied: '429' | '503';
  readonly hasCost: boolean;
  /** Clocks of the machines that wrote the log, by region: at most this far from the limiter's. */
  readonly slackUs: number;
}

/** Writes a run as a proxy's log: in the order of completion, begun and ended anywhere in the traffic. */
export function writeForeign(run: Run, seen: Set<string>): ForeignLog {
  const { plan } = run;
  const dice = new Dice(plan.seed, 'foreign');
  const style = drawStyle(dice, plan);
  const offsetsUs = Array.from({ length: plan.regions }, () =>
    Math.floor(dice.between(-1, 1) * style.slackUs),
  );
  const rows = rowsOf(run, dice, style).toSorted((a, b) => a.endUs - b.endUs);
  const lastUs = rows.at(-1)?.endUs ?? 0;
  const [fromUs, untilUs] = [lastUs * dice.between(-0.2, 0.5), lastUs * dice.between(0.6, 1.2)];
  // What can still take effect after the log's start is in it.
  const within = rows.filter(({ endUs, lastUs: latestUs }) => latestUs >= fromUs && endUs <= untilUs);
  const logged = within.length > 0 ? within : rows; // a log without a line is refused
  for (const row of logged) for (const name of row.features) seen.add(name);
  const lines = logged.map((row) => lineOf(row, { style, plan, offsetUs: offsetsUs[row.region] as number }));
  seen.add(`${plan.form} in ${style.resolution}`);
  seen.add('begins in mid-traffic');
  seen.add('ends in mid-traffic');
  if (style.slackUs > 0) seen.add('clock slack');
  return { files: filesOf(lines, { plan, style, dice }, seen), args: argsOf(run, style) };
}

function drawStyle(dice: Dice, plan: Run['plan']): Style {
  const isRefunded = plan.rates.refund > 0 || plan.rates.odd > 0 || plan.mostCost > 1;
  return {
    resolution: dice.pick(['us', 'us', 'ms', 'ms', 's'] as const),
    fields: dice.pick(['start and end', 'start and duration', 'end and duration'] as const),
    rounds: dice.pick([Math.floor, Math.round]),
    denied: dice.pick(['429', '429', '503'] as const),
    hasCost: isRefunded,
    slackUs: dice.chance(0.15) && plan.limiter !== 'epoch' ? dice.pick([1_000, 50_000]) : 0,
  };
}

interface Row {
  readonly key: string;
  readonly cost: number;
  readonly region: number;
  readonly status: string;
  readonly startUs: number;
  readonly endUs: number;
  /** When it took effect, at the latest. */
  readonly lastUs: number;
  readonly features: readonly string[];
}

/** What a proxy says while the request goes on behind it. */
const GONE_ON = ['504', '499', '408', '502'];

function rowsOf({ attempts, answers, plan }: Run, dice: Dice, { denied }: Style): Row[] {
  return attempts.map((attempt): Row => {
    const { parts, region, invokedUs, repliedUs, decidedUs } = attempt;
    const [{ bucket, cost }] = parts as [Attempt['parts'][number]];
    const status = statusOf(dice, attempt, { answer: answers.get(attempt), denied });
    const isLate = decidedUs.some((us) => us > repliedUs);
    const features = [
      ...(isLate ? ['charged after the reply of a proxy'] : []),
      ...(GONE_ON.includes(status) ? ['statuses of proxies'] : []),
      ...(cost < 0 ? ['refunds'] : []),
      ...(cost === 0 ? ['a cost of 0'] : []),
      ...(cost > 1 ? ['costs'] : []),
    ];
    const key = KEYS[plan.seed % KEYS.length] + bucket;
    return {
      key,
      cost,
      region,
      status,
      startUs: invokedUs,
      endUs: repliedUs,
      lastUs: Math.max(repliedUs, ...decidedUs),
      features,
    };
  });
}

/** Names as users have them. */
const KEYS = ['', '', 'José ', 'a, "b" ', '用户 ', "o'neill; "];

function statusOf(
  dice: Dice,
  { fate, decidedUs, repliedUs }: Attempt,
  { answer, denied }: { answer: Answer | undefined; denied: string },
): string {
  if (fate === 'answered' && answer !== undefined)
    return answer.isAllowed ? dice.pick(['200', '201', '204']) : denied;
  // Within its interval the limiter decided, or certainly does not: what answered was the application.
  const isOver = decidedUs.every((us) => us <= repliedUs);
  return isOver && dice.chance(0.5) ? dice.pick(['500', '404']) : dice.pick(GONE_ON);
}

function lineOf(
  row: Row,
  { style, plan, offsetUs }: { style: Style; plan: Run['plan']; offsetUs: number },
): Readonly<Record<string, string>> {
  const { resolution, fields, rounds, hasCost } = style;
  const unitUs = RESOLUTIONS_US[resolution];
  const shown = (us: number) => {
    const units = rounds((us + offsetUs) / unitUs) + plan.originUs / unitUs;
    return resolution === 'ms' && plan.form === 'access-log' ? (units / 1_000).toFixed(3) : String(units);
  };
  const durationUs = row.endUs - row.startUs;
  const units = rounds(durationUs / unitUs);
  const duration =
    resolution === 'ms' && plan.form === 'access-log' ? (units / 1_000).toFixed(3) : String(units);
  return {
    ...(fields === 'end and duration' ? {} : { start: shown(row.startUs) }),
    ...(fields === 'start and duration' ? {} : { end: shown(row.endUs) }),
    ...(fields === 'start and end' ? {} : { took: duration }),
    user: row.key,
    status: row.status,
    ...(hasCost ? { cost: String(row.cost) } : {}),
  };
}

function filesOf(
  lines: readonly Readonly<Record<string, string>>[],
  { plan, style, dice }: { plan: Run['plan']; style: Style; dice: Dice },
  seen: Set<string>,
): LogFile[] {
  const { files, cut } = plan.recording;
  // Rotated: the second file goes on where the first ended. An empty one is refused.
  const half = files === 2 && lines.length > 3 ? 1 + dice.below(lines.length - 2) : lines.length;
  if (half < lines.length) seen.add('a rotated log');
  const parts = half < lines.length ? [lines.slice(0, half), lines.slice(half)] : [lines];
  const isCut = cut === 'in a line' && lines.length > 4;
  if (isCut) seen.add('cut in a line');
  const written = parts.map((part, at) => {
    const text =
      plan.form === 'csv'
        ? csvOf(part, style)
        : part.map((line) => `${JSON.stringify(numbersOf(line))}\n`).join('');
    const isLast = at === parts.length - 1;
    return {
      name: `file-${at}.log`,
      text: isCut && isLast && part.length > 1 ? text.slice(0, -2 - dice.below(8)) : text,
    };
  });
  // Files that hold the same are refused: the log ended with the first.
  return written[0]?.text === written[1]?.text ? written.slice(0, 1) : written;
}

/** Numbers as nginx writes them: without quotation marks. */
function numbersOf(line: Readonly<Record<string, string>>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(line).map(([name, value]) => [
      name,
      name === 'user' || value.length > 15 ? value : Number(value),
    ]),
  );
}

function csvOf(lines: readonly Readonly<Record<string, string>>[], { hasCost, fields }: Style): string {
  const names = [
    ...(fields === 'end and duration' ? [] : ['start']),
    ...(fields === 'start and duration' ? [] : ['end']),
    ...(fields === 'start and end' ? [] : ['took']),
    ...['user', 'status'],
    ...(hasCost ? ['cost'] : []),
  ];
  const quoted = (text: string) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = lines.map((line) => names.map((name) => quoted(line[name] ?? '')).join(','));
  return `${[names.join(','), ...rows].join('\n')}\n`;
}

function argsOf({ plan }: Run, { resolution, fields, denied, hasCost, slackUs }: Style): string[] {
  const [policy] = plan.policies;
  const [capacity = '', refill = ''] = policy === undefined ? [] : formatPolicy(policy).split(':');
  const isSeconds = resolution === 's' || (resolution === 'ms' && plan.form === 'access-log');
  const times = {
    'start and end': ['--start', 'start', '--end', 'end'],
    'start and duration': ['--start', 'start', '--duration', 'took'],
    'end and duration': ['--end', 'end', '--duration', 'took'],
  }[fields];
  const { granularityUs } = plan.clock;
  const roundedUs = granularityUs > 1 ? granularityUs : 0; // the limiter's own clock is behind by as much
  return [
    ...['--from', plan.form, '--key', 'user', '--status', 'status', ...times],
    ...['--unit', isSeconds ? 's' : resolution, '--capacity', capacity, '--refill', refill],
    ...(denied === '429' ? [] : ['--deny', denied]),
    ...(hasCost ? ['--cost', 'cost'] : []),
    ...(slackUs === 0 ? [] : ['--clock-slack', `${slackUs + roundedUs}us`]),
    ...(plan.promise === 'token-bucket' ? [] : ['--promise', plan.promise]),
  ];
}
