const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Where a byte that is not UTF-8 stands in a text: the lone surrogates U+DC80 to U+DCFF, which no text has. */
const BYTE_MARK = 0xdc00;

/**
 * The text of bytes, each byte that is not part of UTF-8 as a lone surrogate. `decode` and `decodeUtf8` of the platform
 * make one and the same character of all of them, and so one bucket of different users.
 *
 * No two byte strings have one text: valid sequences never give a surrogate, so the bytes can be read back.
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

/** How long a sequence is that starts with this byte. */
function lengthOf(lead: number): number {
  return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/**
 * The name of a bucket as every part of the program can hold and show it: well-formed, with `\xE9` for a byte that is
 * not UTF-8, as nginx writes it. A backslash that already stands before `x` and two digits becomes `\x5C`, so that no
 * two texts have one name: reading the escapes from left to right gives the text again.
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
 * A text with its escapes `\xE9`, of which each is one byte, read; those in a row are read together. `bytes` writes what
 * they are, and `others` any other escape: a backslash and one more character.
 */
export function readByteEscapes(
  text: string,
  { bytes, others }: { bytes(decoded: string): string; others(pair: string): string },
): string {
  return text.replace(/(?:\\x[0-9A-Fa-f]{2})+|\\./g, (found) =>
    found[1] === 'x' && found.length > 2 ? bytes(decodeBytes(bytesOf(found, 4, 2))) : others(found),
  );
}

/** The bytes of a text that has two hexadecimal digits for each, `skip` characters from the start of each piece. */
export function bytesOf(text: string, width: number, skip: number): Uint8Array {
  return Uint8Array.from({ length: text.length / width }, (_, at) =>
    Number.parseInt(text.slice(at * width + skip, (at + 1) * width), 16),
  );
}
