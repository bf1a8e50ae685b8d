import { data, Evaluator, Lexer, Parser } from '@actions/expressions';

/** What expressions can name: `inputs`, `steps`, `github` and so on. */
export type Contexts = Readonly<Record<string, unknown>>;

/** Whether a step before has failed, and whether the job was cancelled. */
export interface JobStatus {
  readonly hasFailed: boolean;
  readonly isCancelled: boolean;
}

/** A text with the value of each `${{ }}` in it, by GitHub's own parser and evaluator. */
export function interpolate(text: string, contexts: Contexts): string {
  return text.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression: string) =>
    evaluate(expression, contexts).coerceString(),
  );
}

/** Whether a step runs. Without a function of status in its condition, it has to be a success so far. */
export function isDue(condition: string | undefined, contexts: Contexts, status: JobStatus): boolean {
  const { hasFailed, isCancelled } = status;
  const isSuccess = !hasFailed && !isCancelled;
  if (condition === undefined) return isSuccess;
  const values = {
    always: true,
    success: isSuccess,
    failure: hasFailed && !isCancelled,
    cancelled: isCancelled,
  };
  const asksStatus = Object.keys(values).some((name) => condition.includes(`${name}(`));
  const expression = condition.replace(/^\s*\$\{\{(.*)\}\}\s*$/s, '$1');
  return (asksStatus || isSuccess) && isTrue(evaluate(expression, contexts, values));
}

function isTrue(value: data.ExpressionData): boolean {
  const evaluated = JSON.parse(JSON.stringify(value, data.replacer));
  return Boolean(evaluated);
}

function evaluate(
  expression: string,
  contexts: Contexts,
  functions: Readonly<Record<string, boolean>> = {},
): data.ExpressionData {
  const definitions = Object.entries(functions).map(([name, value]) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(value),
  }));
  const { tokens } = new Lexer(expression).lex();
  const parsed = new Parser(tokens, Object.keys(contexts), definitions).parse();
  const values = JSON.parse(JSON.stringify(contexts), data.reviver) as data.Dictionary;
  return new Evaluator(parsed, values, new Map(definitions.map((one) => [one.name, one]))).evaluate();
}
