// Why a commit cannot be released.
import { sectionOf } from './notes.mjs';
import { repositoryOf, SET_REPOSITORY } from './repository.mjs';

/**
 * A sentence for each reason; none where it can be released. `root` is package.json, `commit` what `commitOf` gives. A
 * local release is of what is there, but its tag has to be right, too.
 */
export function problemsOf({ root, changelog, commit }, { tag, isLocal }) {
  const { version } = root;
  const wrongTag = tag !== undefined && tag !== `v${version}`;
  const reasons = [wrongTag && `the tag is ${tag}, and package.json says ${version}: expected v${version}`];
  if (!isLocal)
    reasons.push(
      repositoryOf(root) === undefined &&
        `package.json does not say where the repository is; set it and commit: ${SET_REPOSITORY}`,
      commit === undefined && 'this is no clone of a repository of git, so there is no commit to release',
      commit?.changed.length > 0 && `files differ from their commit; commit them: ${listed(commit.changed)}`,
      sectionOf(changelog, version) === undefined &&
        `CHANGELOG.md has no section of this version; expected a heading: ## [${version}] - <date>`,
    );
  return reasons.filter((reason) => reason !== false && reason !== undefined);
}

/** The first three of them. */
function listed(changed) {
  const names = changed.map((line) => line.trim().split(/\s+/).slice(1).join(' '));
  return [...names.slice(0, 3), ...(names.length > 3 ? [`${names.length - 3} more`] : [])].join(', ');
}
