const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A byte that is not UTF-8 becomes a lone surrogate, U+DC80 to U+DCFF, which no valid text has. */
const BYTE_MARK = 0xdc00;

/**
 * The text of bytes; each byte that is not UTF-8 becomes a lone surrogate. The decoders of the platform replace all of
 * them by one character, and would so merge the buckets of different users.
 *
 * Different byte strings give different texts: valid sequences never give a surrogate, so the bytes can be recovered.
 */
export function decodeBytes(bytes: Uint8Array): string {
  return decodeStrictly(bytes) ?? decodeInPieces(bytes);
}

function decodeInPieces(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const piece = decodeStrictly(bytes.subarray(at, at + lengthOf(bytes[at] as number)));
    text += piece ?? String.fromCharCode(BYTE_MARK + (bytes[at] as number));
    at += piece === undefined ? 1 : lengthOf(bytes[at] as number);
  }
  return text;
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The length of the UTF-8 sequence that starts with this byte. */
function lengthOf(lead: number): number {
  return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/**
 * The name of a bucket in well-formed text, with `\xE9` for a byte that is not UTF-8, as nginx writes it. A backslash
 * before `x` and two digits becomes `\x5C`, so that different texts have different names: reading the escapes from left
 * to right recovers the text.
 */
export function nameOf(text: string): string {
  const isPlain = text.isWellFormed();
  if (isPlain && !text.includes('\\')) return text;
  const literal = text.replace(/\\(?=x[0-9A-F]{2})/g, '\\x5C');
  return isPlain ? literal : literal.replace(/\p{Cs}/gu, (mark) => escaped(mark.charCodeAt(0) - BYTE_MARK));
}

function escaped(byte: number): string {
  return `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * Replaces the escapes of a text. `bytes` gets consecutive escapes `\xE9`, each of one byte, decoded together; `others`
 * gets any other escape, a backslash and one more character.
 */
export function readByteEscapes(
  text: string,
  { bytes, others }: { bytes(decoded: string): string; others(pair: string): string },
): string {
  return text.replace(/(?:\\x[0-9A-Fa-f]{2})+|\\./g, (found) =>
    found[1] === 'x' && found.length > 2 ? bytes(decodeBytes(bytesOf(found, 4, 2))) : others(found),
  );
}

/** The bytes of a text of pieces of `width` characters, each with two hexadecimal digits after `skip` characters. */
export function bytesOf(text: string, width: number, skip: number): Uint8Array {
  return Uint8Array.from({ length: text.length / width }, (_, at) =>
    Number.parseInt(text.slice(at * width + skip, (at + 1) * width), 16),
  );
}
