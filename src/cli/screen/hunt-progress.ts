import pc from 'picocolors';
import { outcomeText } from '../../hunt/hunt-text.ts';
import type { Aim, Outcome } from '../../hunt/outcome.ts';
import type { Environment } from '../process/environment.ts';
import { openLiveScreen } from './live-screen.ts';

/** How far a hunt is. */
export interface HuntLook {
  readonly title: string;
  readonly stage: 'search' | 'shrink' | 'confirm';
  /** Sentence on what is done now; empty in a search. */
  readonly detail: string;
  /** Tried so far, those of an earlier command included. */
  readonly schedules: number;
  /** Tried a second, by this command. */
  readonly perSecond: number;
  readonly restarts: number;
  /** Between 0 and 1, of the budget. */
  readonly share: number;
  readonly worst?: Outcome;
  readonly aim: Aim;
}

const EVERY_MS = 5_000;
const BAR = 30;

/** The progress of a hunt, until it is closed: a live view on a terminal, else a line every 5 s. */
export function showHunt(environment: Environment, look: () => HuntLook): { close(): void } {
  const terminal = environment.terminals.log;
  if (terminal !== undefined)
    return openLiveScreen(environment, terminal, ({ rows }, notes) => {
      const lines = drawHunt(look(), { ...terminal, isInterrupted: environment.interrupt.aborted });
      return [...lines, ...notes.slice(-Math.max(0, rows - lines.length))].slice(0, rows);
    });
  const timer = setInterval(() => environment.log(`${huntLine(look())}\n`), EVERY_MS).unref();
  return { close: () => clearInterval(timer) };
}

/** One line of progress. */
export function huntLine({
  stage,
  detail,
  schedules,
  perSecond,
  restarts,
  share,
  worst,
  aim,
}: HuntLook): string {
  if (stage === 'confirm') return `${stage.padEnd(8)}${detail}`;
  const tried = `${schedules} schedules (${percent(share)}), ${rateText(perSecond)}, ${restarts} restarts`;
  return [
    `${stage.padEnd(8)}${tried}`,
    ...(worst === undefined ? [] : [`worst: ${outcomeText(worst, aim)}`]),
    ...(detail === '' ? [] : [detail]),
  ].join('; ');
}

/** The lines of the view. */
export function drawHunt(
  { title, stage, detail, schedules, perSecond, restarts, share, worst, aim }: HuntLook,
  { colour, isInterrupted }: { readonly colour: boolean; readonly isInterrupted: boolean },
): string[] {
  const colours = pc.createColors(colour);
  const label = (text: string) => colours.bold(text.padEnd(11));
  const filled = Math.round(BAR * Math.min(1, share));
  return [
    `${colours.bold('openclaw-rl')}  ${title}`,
    `${label(stage)}${detail === '' ? `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}  ${percent(share)} of the budget` : detail}`,
    `${label('tried')}${schedules} schedules, ${rateText(perSecond)}, ${restarts} restarts`,
    `${label('worst')}${worst === undefined ? 'none yet' : outcomeText(worst, aim)}`,
    '',
    isInterrupted
      ? colours.yellow('interrupted: stopping; Ctrl-C again quits')
      : colours.dim('Ctrl-C: stop; the same command resumes'),
  ];
}

function percent(share: number): string {
  return `${Math.floor(100 * Math.min(1, share))}%`;
}

function rateText(perSecond: number): string {
  return `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} a second`;
}
