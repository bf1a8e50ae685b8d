import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { fitted, labelled, labelledCommand } from './fit-lines.ts';
import { drawTable } from './text-table.ts';

const widest = (text: string) => Math.max(...text.split('\n').map((line) => stringWidth(line)));
const table = {
  head: ['phase', 'admitted tokens', 'exact', 'failed', 'p50 ms'],
  rows: [
    ['before', '200', '201.5', '0', '12.1'],
    ['during partition', '100', '101.5', '0', '512.1'],
  ],
  spare: ['exact', 'p50 ms', 'failed'],
};

describe('a table in a terminal', () => {
  it('is as wide as its content by default, with every column', () => {
    expect(drawTable(table)).toContain('│ before           │ 200             │ 201.5 │ 0      │ 12.1   │');
    expect(drawTable(table, widest(drawTable(table)))).toBe(drawTable(table));
  });

  it('leaves out columns of zeros first, then the others that it can spare, and names both', () => {
    const nearly = drawTable(table, widest(drawTable(table)) - 1);
    expect(nearly).toContain('p50 ms');
    expect(nearly.split('\n').slice(-1)).toEqual(['  0 or empty: failed']);
    const narrow = drawTable(table, 40);
    expect(narrow.replace(/\s+/g, ' ')).toContain(
      '0 or empty: failed not shown: exact, p50 ms (--json, or a wider terminal)',
    );
  });

  it('wraps its widest cells where that is not enough, and fits at every width', () => {
    const rows = [
      ['us-east-0, eu-west-0', 'one window: 2 other regions * (20 + 5/s * 6.655189 s of age)'.repeat(3)],
    ];
    for (let columns = 30; columns <= 200; columns += 7) {
      for (const drawn of [
        drawTable(table, columns),
        drawTable({ head: ['bound of', 'formula'], rows }, columns),
      ])
        expect([columns, widest(drawn)]).toEqual([columns, Math.min(widest(drawn), columns)]);
    }
    expect(drawTable({ head: ['key'], rows: [['x'.repeat(300)]] }, 30).match(/x/g)).toHaveLength(300);
  });
});

describe('lines in a terminal', () => {
  it('are wrapped to the right of their label', () => {
    expect(labelled('  ok ', 'one two three', 12)).toBe('  ok one two\n     three');
    expect(labelled('  ok ', 'one two three')).toBe('  ok one two three');
    expect(fitted('short\n  a hint that is long\n', 16)).toBe('short\n  a hint that\n    is long\n');
  });

  it('of a command end in a backslash, and never within an option or quotes', () => {
    const command = "openclaw-rl bench --claim 'total-excess <= 0 --x' --users 3 --rate 5";
    expect(labelledCommand('again  ', command, 32)).toBe(
      "again  openclaw-rl bench \\\n       --claim 'total-excess <= 0 --x' \\\n       --users 3 --rate 5",
    );
    expect(labelledCommand('again  ', command)).toBe(`again  ${command}`);
  });
});
