import type { Random } from '../../../src/core/prng.ts';
import type { Header, HistoryRecord, Operation } from '../../../src/history/records/operation.ts';
import { pick } from './small-histories.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Fields that an operation need not have: they are null, or not there. */
const OPTIONAL = [
  ...['policy', 'maxCharge', 'latestUs', 'decisionId', 'decision', 'settled', 'extended', 'expiresUs'],
  ...['stated', 'user', 'region', 'process', 'intendedUs'],
];

/** What comes first in a line, and counts nothing: of several fields of one name the last counts. */
const FIRST = {
  op: ['"cost":-9,', '"outcome":"denied",', '"invokedUs":1e15,', '"bucket":"other",', '"decisionId":"x",'],
  header: ['"clocks":"one",', '"initial":"full",'],
  others: ['"type":"op",', '"atUs":-1,'],
};
const UNKNOWN = '"__proto__":{"cost":99},"constructor":{"prototype":{"clocks":"one"}},';

/** The texts of files as no recorder of ours writes them. The checker reads the same history from them. */
export function disguised(files: readonly (readonly HistoryRecord[])[], random: Random): string[] {
  const by = pick(random, [1, 1, 7, 2 ** 30]);
  return files.map((records) => {
    const lineEnd = pick(random, ['\n', '\n', '\r\n', '\n\n']);
    const lines = records.map((record) => {
      const fields = rewritten(record, by, random);
      return random() < 0.3 ? respelled(fields, random) : JSON.stringify(fields);
    });
    return lines.map((line) => line + lineEnd).join('');
  });
}

function rewritten(record: HistoryRecord, by: number, random: Random): Fields {
  if (record.type === 'header') return rewrittenHeader(record, by, random);
  return record.type === 'op' ? rewrittenOperation(record, random) : { ...record };
}

/** Its refill is not in lowest terms. */
function rewrittenHeader(header: Header, by: number, random: Random): Fields {
  const { policy, initial } = header;
  const { tokens, perUs } = policy?.refill ?? { tokens: 1, perUs: 1 };
  return {
    ...header,
    initial: initial === 'unknown' && random() < 0.5 ? undefined : initial,
    policy: { capacity: policy?.capacity, refill: { tokens: tokens * by, perUs: perUs * by } },
  };
}

function rewrittenOperation(operation: Operation, random: Random): Fields {
  const { cost, invokedUs, completedUs } = operation;
  const fields: Record<string, unknown> = { ...operation };
  for (const name of OPTIONAL) if (fields[name] === undefined && random() < 0.3) fields[name] = null;
  if (cost === 1 && random() < 0.3) fields.cost = pick(random, [undefined, null]);
  fields.invokedUs = invokedUs + pick(random, [0, 0.25, 0.5]);
  if (completedUs !== null) fields.completedUs = completedUs - pick(random, [0, 0.25, 0.5]);
  return fields;
}

function respelled(fields: Fields, random: Random): string {
  const { type } = fields;
  const first = FIRST[type === 'op' || type === 'header' ? type : 'others'];
  const isOverwritten = (field: string) => fields[field.slice(1, field.indexOf('":'))] !== undefined;
  const unread = pick(random, ['', UNKNOWN, first.filter(isOverwritten).join('')]);
  const line = `{${unread}${JSON.stringify(fields).slice(1)}`;
  const change = pick(random, [
    (one: string) => one.replace(/"cost":(\d+)/g, '"cost" : $1.0e0'),
    (one: string) => one.replace(/"bucket"/g, '"\\u0062ucket"'),
    (one: string) => one.replaceAll(',"', ' ,\t"'),
  ]);
  return change(line);
}
