// Runs as data: a file that real runs are added to, one at a time, and that is whole at any moment.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const FORMAT = 'openclaw-simulation-real';

/** The runs of a file, by scenario and seed; none if there is no file. */
export function readRuns(file) {
  if (!existsSync(file)) return [];
  const { format, version, runs } = JSON.parse(readFileSync(file, 'utf8'));
  if (format !== FORMAT || version !== 1) throw new Error(`${file} has no runs of ${FORMAT} 1`);
  return runs;
}

/** Writes `run` in place of one of the same scenario and seed. */
export function keepRun(file, run) {
  const others = readRuns(file).filter((other) => !isSame(other, run));
  const runs = [...others, run].sort((a, b) =>
    a.scenario === b.scenario ? a.seed - b.seed : a.scenario < b.scenario ? -1 : 1,
  );
  const lines = runs.map((each) => `    ${JSON.stringify(each)}`); // a line for each run, so that a diff can be read
  const text = `{\n  "format": "${FORMAT}",\n  "version": 1,\n  "runs": [\n${lines.join(',\n')}\n  ]\n}\n`;
  writeFileSync(`${file}.unfinished`, text);
  renameSync(`${file}.unfinished`, file);
}

export function isSame(one, other) {
  return one.scenario === other.scenario && one.seed === other.seed;
}
