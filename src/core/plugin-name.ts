const PREFIX = 'plugin:';

/** The name of a plug-in in reports and histories, in place of a strategy: `plugin:mine.mjs`. */
export function pluginName(file: string): string {
  return `${PREFIX}${fileName(file)}`;
}

/** The last part of a path of any system. */
export function fileName(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}

export function isPluginName(strategy: string): boolean {
  return strategy.startsWith(PREFIX);
}

/** Whether the file of a limiter describes a command; every other one is a module. */
export function isLimiterFile(file: string): boolean {
  return /\.(ya?ml|json)$/i.test(file);
}
