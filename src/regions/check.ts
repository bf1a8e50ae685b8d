/** What of one thing was found: `note` is worth knowing and keeps nothing from running. */
export interface Check {
  readonly name: string;
  readonly mark: 'ok' | 'note' | 'missing';
  readonly found: string;
  /** The command, or the sentence, that mends it. */
  readonly mend?: string;
}
