/** A generator of numbers in [0, 1). Every random choice of a run comes from generators made from the run's seed. */
export type Random = () => number;

/**
 * The sfc32 generator of PractRand (Chris Doty-Humphrey), seeded by a text through FNV-1a and mixed by 16
 * rounds. Different `stream` names of one seed give independent sequences.
 */
export function makeRandom(seed: number | string, stream = ''): Random {
  let hash = 0x811c9dc5;
  for (const character of `${seed}/${stream}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  let a = hash | 0;
  let b = Math.imul(hash, 0x9e3779b1) | 0;
  let c = (hash ^ 0x5bd1e995) | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let round = 0; round < 16; round++) next();
  return next;
}
