/** How a field of a message is written: by the definitions of OTLP 1.x, without the code that wrote it. */
type Kind =
  | 'string'
  | 'hex'
  | 'bool'
  | 'enum'
  | 'int64'
  | 'fixed64'
  | 'double'
  | 'doubles'
  | 'fixed64s'
  | Message;

interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly isList?: true;
}

interface Message {
  readonly [number: number]: Field;
}

const one = (name: string, kind: Kind): Field => ({ name, kind });
const many = (name: string, kind: Kind): Field => ({ name, kind, isList: true });

const ITEM = {
  1: one('stringValue', 'string'),
  2: one('boolValue', 'bool'),
  3: one('intValue', 'int64'),
  4: one('doubleValue', 'double'),
};
const VALUE: Message = { ...ITEM, 5: one('arrayValue', { 1: many('values', ITEM) }) };
const ATTRIBUTE: Message = { 1: one('key', 'string'), 2: one('value', VALUE) };
const RESOURCE: Message = { 1: many('attributes', ATTRIBUTE) };
const SCOPE: Message = { 1: one('name', 'string'), 2: one('version', 'string') };

const EVENT: Message = {
  1: one('timeUnixNano', 'fixed64'),
  2: one('name', 'string'),
  3: many('attributes', ATTRIBUTE),
};
const SPAN: Message = {
  1: one('traceId', 'hex'),
  2: one('spanId', 'hex'),
  4: one('parentSpanId', 'hex'),
  5: one('name', 'string'),
  6: one('kind', 'enum'),
  7: one('startTimeUnixNano', 'fixed64'),
  8: one('endTimeUnixNano', 'fixed64'),
  9: many('attributes', ATTRIBUTE),
  11: many('events', EVENT),
  15: one('status', { 2: one('message', 'string'), 3: one('code', 'enum') }),
};
const POINT: Message = {
  2: one('startTimeUnixNano', 'fixed64'),
  3: one('timeUnixNano', 'fixed64'),
  4: one('asDouble', 'double'),
  7: many('attributes', ATTRIBUTE),
};
const HISTOGRAM_POINT: Message = {
  2: one('startTimeUnixNano', 'fixed64'),
  3: one('timeUnixNano', 'fixed64'),
  4: one('count', 'fixed64'),
  5: one('sum', 'double'),
  6: one('bucketCounts', 'fixed64s'),
  7: one('explicitBounds', 'doubles'),
  9: many('attributes', ATTRIBUTE),
};
const METRIC: Message = {
  1: one('name', 'string'),
  2: one('description', 'string'),
  3: one('unit', 'string'),
  5: one('gauge', { 1: many('dataPoints', POINT) }),
  7: one('sum', {
    1: many('dataPoints', POINT),
    2: one('aggregationTemporality', 'enum'),
    3: one('isMonotonic', 'bool'),
  }),
  9: one('histogram', {
    1: many('dataPoints', HISTOGRAM_POINT),
    2: one('aggregationTemporality', 'enum'),
  }),
};

const SIGNALS: Readonly<Record<string, Message>> = {
  '/v1/traces': {
    1: many('resourceSpans', {
      1: one('resource', RESOURCE),
      2: many('scopeSpans', { 1: one('scope', SCOPE), 2: many('spans', SPAN) }),
    }),
  },
  '/v1/metrics': {
    1: many('resourceMetrics', {
      1: one('resource', RESOURCE),
      2: many('scopeMetrics', { 1: one('scope', SCOPE), 2: many('metrics', METRIC) }),
    }),
  },
};

/** The body of a request to this path, in the form of OTLP's JSON. Fields that no test needs are left out. */
export function decodeOtlp(path: string, bytes: Buffer): unknown {
  const message = SIGNALS[path];
  if (message === undefined) throw new Error(`${path} takes no OTLP`);
  return readMessage(bytes, message);
}

function readMessage(bytes: Buffer, message: Message): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  let at = 0;
  const varint = () => {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number) => {
    if (at + length > bytes.length) throw new Error(`a field of ${length} bytes goes beyond its message`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const [number, wire] = [tag >> 3, tag & 7];
    const raw =
      wire === 0
        ? varint()
        : take(wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? Number(varint()) : Number.NaN);
    const field = message[number];
    if (field === undefined) continue;
    const value = readField(field.kind, raw);
    if (field.isList) result[field.name] = [...((result[field.name] as unknown[]) ?? []), value];
    else result[field.name] = value;
  }
  return result;
}

function readField(kind: Kind, raw: bigint | Buffer): unknown {
  if (typeof raw === 'bigint') {
    if (kind === 'bool') return raw !== 0n;
    if (kind === 'enum') return Number(raw);
    if (kind === 'int64') return Number(BigInt.asIntN(64, raw));
    throw new Error(`a number where ${JSON.stringify(kind)} was expected`);
  }
  switch (kind) {
    case 'string':
      return raw.toString('utf8');
    case 'hex':
      return raw.toString('hex');
    case 'double':
      return raw.readDoubleLE();
    case 'fixed64':
      return raw.readBigUInt64LE().toString();
    case 'doubles':
      return eights(raw).map((at) => raw.readDoubleLE(at));
    case 'fixed64s':
      return eights(raw).map((at) => raw.readBigUInt64LE(at).toString());
    default:
      if (typeof kind === 'string') throw new Error(`bytes where ${kind} was expected`);
      return readMessage(raw, kind);
  }
}

function eights(raw: Buffer): number[] {
  if (raw.length % 8 !== 0) throw new Error('a packed field has a part of a number');
  return Array.from({ length: raw.length / 8 }, (_, at) => 8 * at);
}
