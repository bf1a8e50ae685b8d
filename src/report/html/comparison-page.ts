import { type ComparedLine, comparedLines, compareReports, nameOfRun } from '../comparison.ts';
import type { RunReport } from '../report.ts';
import { printable } from '../text.ts';
import type { ComparedRow, ComparisonPage } from './page-data.ts';
import { type Evidence, makePicture } from './run-page.ts';
import { chooseBinUs } from './series.ts';

/** Figures that differ from the first run's by at most this share count as equal. */
const SAME = 0.05;

/** Several runs on the same axes, with bins for the longest run. */
export function makeComparisonPage(
  runs: readonly { readonly report: RunReport; readonly evidence?: Evidence }[],
): ComparisonPage {
  const reports = runs.map(({ report }) => report);
  const binUs = Math.max(
    0,
    ...runs.map(({ evidence }) => (evidence === undefined ? 0 : chooseBinUs(evidence.examination.judged))),
  );
  const compared = runs.map(({ report, evidence }, at) => ({
    letter: letterOf(at),
    name: nameOfRun(report),
    verdict: report.verdict,
    command: report.command,
    ...makePicture(report, evidence, binUs),
  }));
  return printable({
    page: 'comparison' as const,
    title: `${runs.length} runs side by side`,
    regions: [...new Set(compared.flatMap(({ regions }) => regions))],
    runs: compared,
    rows: comparedLines(compareReports(reports)).map(makeRow),
  });
}

/** A to Z, then A1 and so on. */
function letterOf(at: number): string {
  const round = Math.floor(at / 26);
  return `${String.fromCharCode(65 + (at % 26))}${round === 0 ? '' : round}`;
}

function makeRow({ name, values, ratios }: ComparedLine): ComparedRow {
  return {
    name,
    values,
    ratios: ratios ?? values.map(() => null),
    differs: values.map((value, at) => {
      const ratio = ratios?.[at];
      if (at === 0 || value === values[0]) return false;
      return ratio === undefined || ratio === null || Math.abs(ratio - 1) > SAME;
    }),
  };
}
