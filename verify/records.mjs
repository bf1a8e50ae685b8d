// Reads the records of a file of NDJSON for verify.mjs, packed or not.
import { fail as refuse } from 'node:assert';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** The lines of a file, unpacked: those of each piece that is read, as a list. */
async function* readLines(path) {
  const file = createReadStream(path);
  await once(file, 'readable');
  const first = file.read();
  if (first !== null) file.unshift(first);
  const input = first?.[0] === 0x1f && first[1] === 0x8b ? pipeline(file, createGunzip(), () => {}) : file; // whatever its name is
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }); // else texts of other bytes could become equal
  let parts = [];
  for await (const bytes of input) {
    const lines = decoder.decode(bytes, { stream: true }).split('\n');
    parts.push(lines[0]);
    if (lines.length === 1) continue;
    lines[0] = parts.join('');
    parts = [lines.pop()];
    yield lines;
  }
  yield [parts.join('') + decoder.decode()];
}

/** The records of a file. `hash`, if there is one, has all lines before the record. */
export async function* readRecords(path, hash) {
  let number = 0;
  try {
    for await (const lines of readLines(path))
      for (const line of lines) {
        number++;
        if (line.trim() !== '') yield parse(line);
        hash?.update(`${line}\n`);
      }
  } catch (error) {
    const says = error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : error.message;
    throw new Error(`${number === 0 ? path : `${path}:${number}`}: ${says}`);
  }
}

/** The record of a line, which is an object of JSON. A mark of the byte order may precede it. */
function parse(line) {
  const record = JSON.parse(line.trim());
  return typeof record === 'object' && record !== null ? given(record) : refuse('it is no JSON object');
}

/** Leaves out the fields that are null, which are absent for the checker, too. */
export function given(fields) {
  for (const name in fields) if (fields[name] === null) fields[name] = undefined;
  return fields;
}
