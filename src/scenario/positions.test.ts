import { describe, expect, it } from 'vitest';
import { parseScenario } from './parse.ts';

const parse = (topology: string) =>
  parseScenario(`# Where are the regions?\ntopology: ${topology}\nclaims: [info <= 5%]\n`, {
    file: 'a.yaml',
  });

describe('positions of regions', () => {
  it('are read as round trips; one that is given counts, in either order', () => {
    const positions = '{a: [0, 0], b: [0, 90], c: [0, 180]}';
    const { topology } = parse(`{regions: [a, b, c], positions: ${positions}, roundTrip: {c:a: 7ms}}`);
    expect(topology.roundTripMs).toEqual({ 'a:b': 151, 'b:c': 151, 'c:a': 7 });
  });

  it.each([
    { text: '{us-east: [38.9]}', says: 'expected a latitude from -90 to 90 and a longitude' },
    { text: '{us-east: [91, 0]}', says: 'expected a latitude from -90 to 90 and a longitude' },
    {
      text: '{us-east: [0, 0], mars: [0, 0]}',
      says: 'two of us-east, eu-west, ap-south; found us-east:mars',
    },
  ])('are refused: $text', ({ text, says }) => expect(() => parse(`{positions: ${text}}`)).toThrow(says));
});
