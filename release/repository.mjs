// Where the repository is: the field `repository` of package.json, read for all that is released.
import hostedGitInfo from 'hosted-git-info';

/** Sets the field. The release needs it; tarballs can be made without. */
export const SET_REPOSITORY =
  'npm pkg set repository.type=git repository.url=git+https://github.com/OWNER/openclaw-rl.git';

/**
 * The addresses of a package.json's repository: `url` as npm wants it, `homepage`, `bugs`, `owner`, `name`, and
 * `blob(version, path)`, a file or folder as it was at the tag of a version. Without the field: undefined.
 */
export function repositoryOf({ repository }) {
  if (repository === undefined) return undefined;
  const written = typeof repository === 'string' ? repository : repository.url;
  const host = hostedGitInfo.fromUrl(written ?? '');
  if (host?.type !== 'github')
    throw new Error(
      `package.json: repository is ${JSON.stringify(repository)}; expected one of GitHub; set it: ${SET_REPOSITORY}`,
    );
  const page = `https://github.com/${host.user}/${host.project}`;
  return {
    url: `git+${page}.git`,
    homepage: `${page}#readme`,
    bugs: `${page}/issues`,
    owner: host.user,
    name: host.project,
    blob: (version, path) => `${page}/blob/v${version}/${path}`,
  };
}
