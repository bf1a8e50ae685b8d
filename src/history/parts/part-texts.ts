import { CONTROL_PART } from '../records/part.ts';
import { allFiles, type FileOfPart, type HistoryParts, type LeftOut, partText } from './parts.ts';

/** Why a file is left out, as a sentence. `files`: those that were read. */
export function leftOutText({ file, part, why }: LeftOut, files: readonly FileOfPart[]): string {
  const read = files.find((other) => other.part === part)?.file;
  return `${file} is left out: ${WHY[why]({ part, read: read ?? 'another file' })}`;
}

const WHY: Readonly<
  Record<LeftOut['why'], (of: { readonly part: string; readonly read: string }) => string>
> = {
  plan: ({ part }) =>
    `it is ${partText(part)} of another plan: the scenario, seed, strategy, users or parts of its load differ`,
  run: ({ part }) => `it is ${partText(part)} of another run of this plan`,
  altered: ({ part }) =>
    `it was altered after it was written, since its bytes do not have the digest of its end; copy the file of ${partText(part)} again from its machine`,
  copy: ({ read }) => `it is a copy of ${read}`,
  double: ({ part, read }) =>
    `it has ${partText(part)}, but is no copy of ${read}, which is judged; if it is of a second load, its requests were charged, too: run all parts again; if it is an incomplete copy, do not give it`,
};

const MOST_NAMES = 5;

/** Why the files do not have every request of the run, as sentences; none if they have. */
export function incompleteTexts(parts: HistoryParts): string[] {
  const { missing, cutShort, leftOut, of, unrelated = [] } = parts;
  const files = allFiles(parts);
  const altered = (name: string) => leftOut.some(({ part, why }) => part === name && why === 'altered');
  const lost = missing.filter(altered);
  const absent = missing.filter((name) => !altered(name) && name !== CONTROL_PART);
  const lacksControl = missing.includes(CONTROL_PART) && !altered(CONTROL_PART);
  const doubles = leftOut.filter(({ why }) => why === 'double');
  return [
    ...(absent.length === 0
      ? []
      : [
          `${namesText(absent)} of the run's ${of.length} parts ${absent.length === 1 ? 'is' : 'are'} missing: ${NOT_JUDGED}; give ${absent.length === 1 ? 'its file, too' : 'their files, too'}, or run all parts again`,
        ]),
    ...(lacksControl
      ? [
          `the ${CONTROL_PART} is missing, and with it the faults of the run: ${NOT_JUDGED}; give its file, too: that of the machine that started the run`,
        ]
      : []),
    ...(lost.length === 0
      ? []
      : [
          `${namesText(lost)} ${lost.length === 1 ? 'is' : 'are'} missing, since ${lost.length === 1 ? 'its file was' : 'their files were'} altered: ${NOT_JUDGED}; copy ${lost.length === 1 ? 'it' : 'them'} again from the machine that wrote it`,
        ]),
    ...(cutShort.length === 0
      ? []
      : [
          `${namesText(cutShort)} ${cutShort.length === 1 ? 'was' : 'were'} cut short, since ${cutShort.length === 1 ? 'its file has' : 'their files have'} no end: ${NOT_JUDGED}; wait if the load still runs, or run all parts again`,
        ]),
    ...doubles.slice(0, MOST_NAMES).map((double) => `${leftOutText(double, files)}; ${NOT_JUDGED}`),
    ...unrelated.map((machine) => {
      const names = files.filter((file) => file.machine === machine).map(({ part }) => part);
      return `no reading relates the clock of ${namesText(names)} to that of the others: ${NOT_JUDGED}; all parts must read the clock of one machine (machine ${machine} has not)`;
    }),
  ];
}

const NOT_JUDGED = 'false denials, replay and proofs are not judged';

function namesText(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  const shown = names.slice(0, MOST_NAMES).join(', ');
  if (names.length === 1) return partText(shown);
  return `the parts ${shown}${more > 0 ? ` and ${more} more` : ''}`;
}
