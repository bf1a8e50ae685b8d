import { describe, expect, it } from 'vitest';
import { repositoryFiles, type SourceText, writtenTexts } from '../support/citations.ts';

/** In their place: the name of the thing, `again`, `gets`. */
const AVOIDED = ['nobody', 'whoever', 'somebody', 'anew', 'is told'];
const HERE = 'test/docs/words.test.ts';

function avoidedIn({ file, text }: SourceText): string[] {
  const found = text.matchAll(new RegExp(`\\b(?:${AVOIDED.join('|')})\\b`, 'gi'));
  return [...found].map(({ 0: word, index }) => `${file}:${text.slice(0, index).split('\n').length} ${word}`);
}

describe('no text of the repository', () => {
  it('has a word that hides what is meant', () => {
    const text = 'A shard is told.\nNobody asks canewary.';
    expect(avoidedIn({ file: 'a.md', text })).toEqual(['a.md:1 is told', 'a.md:2 Nobody']);
    const others = writtenTexts(repositoryFiles()).filter(({ file }) => file !== HERE);
    expect(others.length).toBeGreaterThan(500);
    expect(others.flatMap(avoidedIn)).toEqual([]);
  });
});
