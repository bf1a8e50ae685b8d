import { count } from '../core/units.ts';
import type { History } from '../history/history.ts';
import type { Plan } from '../scenario/plan.ts';
import type { PluginLogs } from './plugin-logs.ts';

const NONE: PluginLogs = { errors: {}, unanswered: 0, outside: [] };

/** Errors of a plug-in itself, or of a script of it. */
const CODES = ['LIMITER_FAILED', 'LIMITER_REFUSED', 'REPLY_UNEXPECTED'];

/** Why the plug-in of a run failed, as far as its services logged it, and how many takes it left without an answer. */
export function pluginNotes(
  { limiter }: Pick<Plan, 'limiter'>,
  { errors }: Pick<History, 'errors'>,
  { errors: logged, unanswered }: PluginLogs = NONE,
): string[] {
  if (limiter === undefined) return [];
  const codes = CODES.filter((code) => code in errors.info || code in errors.failed);
  const failed = codes.map((code) => (logged[code] === undefined ? code : `${code}: ${logged[code]}`));
  return [
    ...(codes.length === 0
      ? []
      : [
          `${failed.join('; ')}; the errors of the plug-in are in logs/rating-*.log in the folder of the run`,
        ]),
    ...(unanswered === 0
      ? []
      : [
          `the plug-in never answered ${count(unanswered, 'take')}: each was open for more than 2 s when its service last looked`,
        ]),
  ];
}
