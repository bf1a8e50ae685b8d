/** The name of a plug-in in reports and histories, in place of a strategy: `plugin:mine.mjs`. */
export function pluginName(file: string): string {
  return `plugin:${file.split(/[/\\]/).at(-1)}`;
}
