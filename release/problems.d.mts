export function problemsOf(
  facts: {
    readonly root: Readonly<Record<string, unknown>>;
    readonly changelog: string;
    readonly commit: { readonly changed: readonly string[] } | undefined;
  },
  options: { readonly tag?: string; readonly isLocal: boolean },
): readonly string[];
