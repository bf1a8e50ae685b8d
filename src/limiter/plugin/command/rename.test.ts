import { describe, expect, it } from 'vitest';
import { makeRandom } from '../../../core/prng.ts';
import { StreamRename } from './rename.ts';

const FROM = '127.77.';
const TO = '127.87.';

function renamed(...chunks: string[]): string {
  const rename = new StreamRename(FROM, TO);
  return Buffer.concat(chunks.map((chunk) => rename.add(Buffer.from(chunk)))).toString();
}

describe('a text renamed in a stream', () => {
  it('is another one wherever it stands', () => {
    expect(renamed('-MOVED 5 127.77.3.1:7102\r\n$10\r\n127.77.1.2\r\n')).toBe(
      '-MOVED 5 127.87.3.1:7102\r\n$10\r\n127.87.1.2\r\n',
    );
  });

  it('is found however the stream is split', () => {
    const text = '-MOVED 5 127.77.3.1:7102\r\n+127.127.77.1.1.1271127.77.\r\n';
    const whole = text.replaceAll(FROM, TO);
    const random = makeRandom(1, 'splits');
    for (let i = 0; i < 500; i++) {
      const chunks = [];
      for (let at = 0; at < text.length; ) {
        const length = 1 + Math.floor(random() * 9);
        chunks.push(text.slice(at, at + length));
        at += length;
      }
      expect(renamed(...chunks)).toBe(whole);
    }
  });

  it('holds back no reply that is over', () => {
    for (const reply of ['+OK\r\n', ':1\r\n', '$3\r\n127\r\n']) expect(renamed(reply)).toBe(reply);
  });

  it('has the length of the other', () => {
    expect(() => new StreamRename(FROM, '127.177.')).toThrow(RangeError);
  });
});
