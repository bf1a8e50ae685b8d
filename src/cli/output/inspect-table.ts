import pc from 'picocolors';
import { secondsText } from '../../core/units.ts';
import { type Copy, type Inspection, lentText, primaryCopy } from '../../limiter/inspect/inspect.ts';
import type { LevelNow } from '../../limiter/inspect/stored.ts';
import { type Look, labelled } from '../../report/fit-lines.ts';
import { drawTable } from '../../report/text-table.ts';

/** Where a setting came from. */
export type Origin = 'option' | 'last run' | 'default';

/** An inspection with its subject and settings. */
export interface Inspected extends Inspection {
  readonly user: string;
  readonly endpoint: string;
  readonly endpointFrom: Origin;
  /** The name of a cluster, or the typed address. */
  readonly cluster: string;
  readonly policy: { readonly text: string; readonly from: Origin };
  readonly prefix: { readonly text: string; readonly from: Origin };
  /** Of a limiter with homes. */
  readonly home?: InspectedHome;
}

export interface InspectedHome {
  /** `none`: the user has no home. */
  readonly region: string;
  /** Whether a node of the home has the bucket now; absent if that is not known. */
  readonly isThere?: boolean;
}

type Colours = ReturnType<typeof pc.createColors>;
type Take = Inspected['takes'][number];

/** An inspection as text: the key, its copies, then the answer of a take from each region. */
export function renderInspection(inspected: Inspected, { colour, columns }: Look): string {
  const colours = pc.createColors(colour);
  const copies = {
    head: ['copy', 'region', 'role', 'stored', 'updated', 'tokens now', 'TTL', 'lag'],
    rows: inspected.copies.map((copy) => copyRow(copy).map(printable)),
    spare: ['region', 'TTL', 'updated', 'lag'],
  };
  const takes = {
    head: ['from', 'a take of 1 now', 'round trip', 'node'],
    rows: inspected.takes.map((take) => takeRow(take, colours)),
  };
  const reasons = [
    ...inspected.copies.map(({ node, address, trouble }) => trouble && `${node ?? address}: ${trouble}`),
    ...inspected.takes.map((take) => 'why' in take && `from ${take.region ?? 'here'}: ${take.why}`),
  ].filter((reason) => typeof reason === 'string');
  const notes = [...absenceNotes(inspected), ...reasons, ...inspected.notes].map(
    (note) => ['note', note] as const,
  );
  const lines = (texts: readonly (readonly [string, string])[]) =>
    texts.map(([name, text]) => labelled(`${colours.bold(name.padEnd(8))} `, printable(text), columns));
  const tables = [copies, takes].map((table) => drawTable(table, columns));
  return `${[...lines(headLines(inspected)), ...tables, ...lines(notes)].join('\n')}\n`;
}

/** The same on one line, for a log. */
export function renderInspectionLine(inspected: Inspected, time: string): string {
  const { copies, takes, primary } = inspected;
  const level = copies.map(
    ({ node, address, now, stored }) =>
      `${node ?? address}=${now ? levelText(now) : '?'}${now && stored?.type === 'absent' ? ' (no key)' : ''}`,
  );
  const answers = takes.map((take) => `${take.region ?? 'here'}: ${answerText(take)}`);
  return `${[time, `primary ${nameOf(primary)}`, level.join(' '), ...answers].map(printable).join(' | ')}\n`;
}

/** One JSON document. Control characters that JSON allows are escaped too. */
export function renderInspectionJson(inspected: Inspected, indent?: number): string {
  const json = JSON.stringify(inspected, undefined, indent);
  return `${json.replace(/[\u007f-\u009f\u2028\u2029]|\p{Cf}/gu, jsonEscape)}\n`;
}

/** A full bucket has no key, so an absent key does not tell a full bucket from a wrong name. */
function absenceNotes({ isStored, endpoint, endpointFrom }: Inspected): string[] {
  if (isStored !== false) return [];
  const assumed =
    endpointFrom === 'default' ? ` Endpoint ${endpoint} is the default; --endpoint names another.` : '';
  return [
    `no bucket of this name exists. A full bucket has no key; a misspelled user, endpoint or prefix looks the same.${assumed}`,
  ];
}

function headLines(inspected: Inspected): (readonly [label: string, text: string])[] {
  const { user, endpoint, endpointFrom, key, slot, primary, policy, prefix, cluster } = inspected;
  const copy = primaryCopy(inspected);
  const at = copy?.now;
  const region = primary?.region === undefined ? '' : ` in ${primary.region}`;
  return [
    ['user', `${user}, endpoint ${endpoint}${endpointFrom === 'default' ? ' (default)' : ''}, on ${cluster}`],
    ['key', `${key}${slot === undefined ? '' : `, slot ${slot}`}`],
    ['primary', `${nameOf(primary)}${region}`],
    ...(inspected.home === undefined ? [] : [['home', homeText(inspected.home, copy?.stored)] as const]),
    [
      'policy',
      `${policy.text} (${originText(policy.from)}); prefix ${prefix.text} (${originText(prefix.from)})`,
    ],
    ['next', nextText(copy)],
    ['full', at ? wait(at.timeToFullUs, 'now') : `unknown: ${copy?.stored ? 'no bucket here' : SILENT}`],
  ];
}

const SILENT = 'no reply from the primary';

/** When the next token comes, or why no take is decided until something else happens. */
function nextText({ stored, now }: Partial<Copy> = {}): string {
  if (now?.move !== undefined) return 'refused: BUCKET_MOVING';
  if (now !== undefined) return wait(now.timeToNextTokenUs, 'already full');
  if (stored === undefined) return `unknown: ${SILENT}`;
  if (stored.type !== 'mark') return 'refused: the key holds another type';
  return `refused: ${stored.state === 'moved' ? 'BUCKET_MOVED' : 'BUCKET_MOVING'}`;
}

function homeText({ region, isThere }: InspectedHome, stored: Copy['stored']): string {
  if (region === 'none') return 'none: the name of the user begins with no region of the homes table';
  if (stored?.type === 'mark')
    return stored.state === 'moved'
      ? `${region}, moved by move ${stored.move}, no longer here`
      : `${region}, not here yet: move ${stored.move} has not ended`;
  if (isThere === undefined) return region;
  return isThere
    ? `${region}, and it is there now`
    : `${region}, but it is elsewhere now: a failover, or slots that moved (openclaw-rl homes --check)`;
}

const originText = (from: Origin) =>
  ({ option: 'as given', 'last run': 'of the last run', default: 'default' })[from];

function nameOf(node: { readonly node?: string; readonly address: string } | undefined): string {
  if (node === undefined) return 'none: no node serves the slot';
  return node.node === undefined ? node.address : `${node.node} (${node.address})`;
}

function copyRow(copy: Copy): string[] {
  const { node, address, region = '', now, ttlMs, clockUs = 0, trouble } = copy;
  const role = copy.isSuperseded ? 'primary, superseded' : (copy.role ?? 'no answer');
  if (trouble !== undefined) return [node ?? address, region, role, 'not known', '', '', '', lagText(copy)];
  const [stored, updated] = storedTexts(copy, clockUs);
  const level = now === undefined ? '' : levelText(now);
  return [node ?? address, region, role, stored, updated, level, ttlText(ttlMs), lagText(copy)];
}

function storedTexts({ stored, now }: Copy, clockUs: number): [string, string] {
  switch (stored?.type) {
    case 'bucket':
      return [`${stored.levelsQuanta.join(', ')} quanta`, ago(clockUs - stored.updatedAtUs)];
    case 'lease':
      return [`lease: ${stored.levelQuanta} quanta not lent`, ago(clockUs - stored.updatedAtUs)];
    case 'article':
      return [
        `article: ${stored.tokens ?? 'no'} tokens`,
        stored.timestampS === undefined ? 'unknown' : `at ${stored.timestampS} s`,
      ];
    case 'mark':
      return [`${stored.state} by move ${stored.move}`, ''];
    case 'foreign':
      return [`no bucket: ${stored.found}`, ''];
    default:
      return [now === undefined ? '' : 'no key: full', ''];
  }
}

function takeRow(take: Take, colours: Colours): string[] {
  const paint =
    take.answer === 'allowed' ? colours.green : take.answer === 'denied' ? colours.yellow : colours.red;
  const trip = 'roundTripMs' in take ? `${take.roundTripMs.toFixed(1)} ms` : '';
  return [
    printable(take.region ?? 'here'),
    paint('why' in take ? take.answer : answerText(take)),
    trip,
    printable(take.node ?? ''),
  ];
}

function answerText(take: Take): string {
  if (take.answer === 'allowed') return `allowed, ${take.remainingTokens} left`;
  if (take.answer === 'denied') return `denied, retry after ${seconds(take.retryAfterUs)}`;
  return `${take.answer}: ${take.why}`;
}

function lagText({ role, isLinked, lagBytes }: Copy): string {
  if (role !== 'replica') return '';
  if (isLinked === false) return 'not linked';
  return lagBytes === undefined ? 'not known' : `${lagBytes} B`;
}

function ttlText(ttlMs: number | undefined): string {
  if (ttlMs === undefined || ttlMs === -2) return '';
  return ttlMs === -1 ? 'never' : seconds(ttlMs * 1_000);
}

const levelText = ({ levelTokens, levelsTokens = [levelTokens], lent }: LevelNow) =>
  `${levelsTokens.map(tokens).join(', ')}${lent === undefined ? '' : ` and ${lentText(lent)}`}`;
const tokens = (count: number) => count.toFixed(3).replace(/\.?0+$/, '');
const seconds = (us: number) => `${secondsText(us)} s`;
const ago = (us: number) => (us < 0 ? `${seconds(-us)} ahead` : `${seconds(us)} ago`);
const wait = (us: number, done: string) => (us === 0 ? done : `in ${seconds(us)}`);

/** Foreign text, safe for a terminal: control and invisible characters are escaped. */
function printable(text: string): string {
  return text.replace(/\p{C}|[\u2028\u2029]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

function jsonEscape(character: string): string {
  return Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');
}
