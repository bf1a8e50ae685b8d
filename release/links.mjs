// Links of a page that is read elsewhere than in the repository.
import { join, normalize } from 'node:path';

/** A link, or code, in which nothing is one. */
const LINK = /^```[\s\S]*?^```$|`[^`\n]*`|\[([^\]]*)\]\(([^)\s]+)\)/gm;

/**
 * The page with each link to a file of the repository leading to `addressOf(path)`; where that is undefined, its text
 * alone is left. `folder` is that of the page, from the root.
 */
export function withLinks(markdown, { folder, addressOf }) {
  return markdown.replace(LINK, (link, text, target) => {
    if (target === undefined || /^([a-z]+:|#)/.test(target)) return link;
    const [path, anchor] = target.split('#');
    const address = addressOf(normalize(join(folder, path)));
    if (address === undefined) return text;
    return `[${text}](${address}${anchor === undefined ? '' : `#${anchor}`})`;
  });
}
