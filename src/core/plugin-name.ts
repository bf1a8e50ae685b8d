/** What reports and histories call the limiter of a plug-in, in the place of a strategy: `plugin:mine.mjs`. */
export function pluginName(file: string): string {
  return `plugin:${file.split(/[/\\]/).at(-1)}`;
}
