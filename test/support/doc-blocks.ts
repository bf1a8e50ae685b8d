import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Block, blocksOf, type Command, commandsOf, ROOT } from './readme.ts';

export interface PageBlock extends Block {
  readonly page: string;
}

const DOCS = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`)
  .sort();

/** Every page with examples, by its path. */
export const PAGES: readonly string[] = ['README.md', 'CONTRIBUTING.md', ...DOCS];

/**
 * The pages whose commands test/alone/readme.test.ts runs, in this order: a page may use the runs of those before it.
 * It compares the first of their `console` blocks. Some open 1,000 connections, or claim what a busy machine misses.
 */
export const ALONE_PAGES: readonly string[] = [
  'README.md',
  'docs/reference/run-folder.md',
  'docs/reference/history-format.md',
  'docs/clusters.md',
  'docs/load-by-hand.md',
  'docs/strategies/lease.md',
];

/** Those whose loads are so small that test/docs/pages.test.ts runs their commands beside other tests. */
export const BESIDE_PAGES: readonly string[] = [
  'docs/your-redis.md',
  'docs/plugins.md',
  'docs/sample-service.md',
  'docs/strategies/active-active.md',
  'docs/simulation.md',
];

/** The page with programs in other languages, whose commands test/docs/other-languages.test.ts runs. */
export const LANGUAGES_PAGE = 'docs/other-languages.md';

/** The page with the file of a limiter, which test/unit/cli/scoreboard.test.ts reads. */
export const SCOREBOARD_PAGE = 'docs/scoreboard.md';

/** The pages whose commands are run; their `js`, `yaml`, `python` and `go` blocks are written to the files that they name. */
export const RUN_PAGES: readonly string[] = [...ALONE_PAGES, ...BESIDE_PAGES, LANGUAGES_PAGE];

export const WORKFLOW_PAGE = 'docs/ci.md';
export const HISTORY_PAGE = 'docs/reference/history-format.md';
export const SCENARIO_PAGE = 'docs/scenarios.md';
export const COMMAND_PAGE = 'docs/faults-by-command.md';
export const ENDPOINTS_PAGE = 'docs/reference/endpoints-file.md';
export const YOUR_REDIS_PAGE = 'docs/your-redis.md';
export const LOAD_BY_HAND_PAGE = 'docs/load-by-hand.md';
export const K6_PAGE = 'docs/logs.md';
export const MANAGED_PAGE = 'docs/managed-redis.md';
export const TESTING_PAGE = 'docs/library/testing.md';

/**
 * The pages on which a test takes blocks of each language. On another page, or in another language, a block is tested by
 * nothing: docs.test.ts fails.
 */
const TAKEN_ON: Readonly<Record<string, readonly string[]>> = {
  sh: PAGES, // docs.test.ts compares flags with --help; those of RUN_PAGES are run
  console: ALONE_PAGES, // output of commands that readme.test.ts runs
  ts: ['README.md', ...DOCS], // readme.test.ts runs those of the README, library.test.ts all others
  // pages.test.ts runs the plug-in, nameless.test.ts what hides names, testing.test.ts the tests; docs.test.ts reads the script of k6
  js: ['docs/plugins.md', HISTORY_PAGE, K6_PAGE, TESTING_PAGE],
  // action.test.ts runs the workflow and the script for GitLab, docs.test.ts reads the others
  yaml: [
    WORKFLOW_PAGE,
    SCENARIO_PAGE,
    COMMAND_PAGE,
    ENDPOINTS_PAGE,
    YOUR_REDIS_PAGE,
    LOAD_BY_HAND_PAGE,
    MANAGED_PAGE,
    LANGUAGES_PAGE,
    SCOREBOARD_PAGE,
  ],
  python: [LANGUAGES_PAGE], // other-languages.test.ts runs both
  go: [LANGUAGES_PAGE],
  json: [HISTORY_PAGE], // readme.test.ts checks the history
  text: PAGES, // drawings and excerpts; behind a `ts` block, what it prints
};

export const isTaken = ({ page, language }: PageBlock): boolean =>
  TAKEN_ON[language]?.includes(page) ?? false;

export const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** The code blocks of these pages in their order, of one language or of all. */
export function blocksOn(pages: string | readonly string[], language?: string): readonly PageBlock[] {
  return [pages]
    .flat()
    .flatMap((page) => blocksOf(textOf(page)).map((block) => ({ page, ...block })))
    .filter((block) => language === undefined || block.language === language);
}

export interface ShownCommand extends Pick<Command, 'text' | 'exitCode'> {
  readonly page: string;
}

/** Every command that pages show: in a block, or, of ours, as code in a sentence. */
export function commandsShown(pages: readonly string[]): ShownCommand[] {
  return pages.flatMap((page) => {
    const inBlocks = blocksOn(page, 'sh').flatMap((block) => commandsOf(block));
    const sentences = textOf(page).replace(/^```[\s\S]*?^```$/gm, '');
    const inText = [...sentences.matchAll(/`((?:npx |bin\/)?openclaw-rl [^`]+)`/g)];
    return [
      ...inBlocks.map(({ text, exitCode }) => ({ page, text, exitCode })),
      ...inText.map(([, text = '']) => ({ page, text, exitCode: 0 })),
    ];
  });
}

/** Lines that begin or end a code block, whether or not `blocksOf` understands them. */
export const fencesOf = (markdown: string): number => [...markdown.matchAll(/^\s*(```|~~~)/gm)].length;
