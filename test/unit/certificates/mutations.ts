import {
  type CertificateRecord,
  certificateRecords,
} from '../../../src/checker/certificates/certificate-lines.ts';
import { examineHistory } from '../../../src/checker/check.ts';
import { makeRandom } from '../../../src/core/prng.ts';
import { HistoryBuilder } from '../../../src/history/columns/builder.ts';
import { changeAll, KINDS, type Kind } from './changes.ts';
import { makeSlowCheck, type Proof } from './slow-check.ts';
import { drawHistory, type Files } from './small-histories.ts';
import { verifyFiles } from './verified.ts';

/** How many proofs were changed, how many of these are still right, and the verifier's mistakes. */
export interface Mutated {
  readonly kinds: Readonly<Record<Kind, { changed: number; stillRight: number }>>;
  readonly acceptedWrong: readonly string[];
  readonly refusedRight: readonly string[];
}

/** Changes one thing in every proof of many small buckets, and compares the verifier with the slow check. */
export async function mutate(seed: number): Promise<Mutated> {
  const files = drawHistory(seed);
  const { certificate, kinds } = changeAll(certify(files), makeRandom(seed, 'changes'));
  const right = new Set(makeSlowCheck(files.flat()).rightProofs(certificate));
  const { counts, refusals } = await verifyFiles(files, certificate);
  const proofs = certificate.filter((record) => record.type === 'proof');
  const mistakes = [...new Set(proofs.map(({ bucket }) => bucket))].flatMap((bucket) => {
    const wrong = proofs.filter((proof) => proof.bucket === bucket && !right.has(proof)).length;
    const refused = refusals.filter(([one]) => one === bucket);
    const show = () =>
      JSON.stringify({
        ...{ seed, kind: kinds.get(bucket), refused },
        proofs: proofs.filter((proof) => proof.bucket === bucket),
        operations: files.flat().filter((record) => record.type === 'op' && record.bucket === bucket),
      });
    return refused.length === wrong ? [] : [{ isAccepted: refused.length < wrong, text: show() }];
  });
  if ((counts.proved ?? 0) + (counts.admissionsProved ?? 0) !== right.size && mistakes.length === 0)
    throw new Error(`seed ${seed}: the verifier counts ${JSON.stringify(counts)}, not ${right.size}`);
  const textsOf = (isAccepted: boolean) =>
    mistakes.filter((mistake) => mistake.isAccepted === isAccepted).map(({ text }) => text);
  return {
    kinds: countKinds(kinds, right),
    acceptedWrong: textsOf(true),
    refusedRight: textsOf(false),
  };
}

/** What the checker proves of a history. */
export function certify(files: Files): CertificateRecord[] {
  const builder = new HistoryBuilder();
  for (const [number, records] of files.entries()) {
    builder.startFile(`${number}`);
    for (const record of records) builder.add(record);
    builder.endFile();
  }
  const history = builder.build();
  const rules = { busiest: [], contestedAtLeast: 0, infoAtMost: 1 };
  return [...certificateRecords(history.operations, examineHistory(history, rules))];
}

function countKinds(kinds: ReadonlyMap<string, Kind>, right: ReadonlySet<Proof>): Mutated['kinds'] {
  const buckets = new Set([...right].map(({ bucket }) => bucket));
  const count = (kind: Kind) => {
    const changed = [...kinds].filter(([, one]) => one === kind);
    return { changed: changed.length, stillRight: changed.filter(([bucket]) => buckets.has(bucket)).length };
  };
  return Object.fromEntries(KINDS.map((kind) => [kind, count(kind)])) as Mutated['kinds'];
}
