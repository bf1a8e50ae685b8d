// clock-file.mjs <file> <seconds ahead> <ppm faster>: what machine-clock.c maps, for a machine whose time namespace is
// so many seconds ahead. It has drifted for 1,000 s already: a difference that no test is too slow to see.
import { writeFileSync } from 'node:fs';

const [file, ahead, ppm] = process.argv.slice(2);
const originNs = process.hrtime.bigint() + BigInt(Number(ahead) - 1_000) * 1_000_000_000n;
writeFileSync(file, new BigInt64Array([originNs, BigInt(ppm) * 1_000n, 0n]));
