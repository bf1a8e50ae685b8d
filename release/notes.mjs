// The notes of a release: the section of its version in CHANGELOG.md.

/** The section of a version, without its heading; undefined if there is none. */
export function sectionOf(changelog, version) {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.startsWith(`[${version}]`));
  return section?.slice(section.indexOf('\n')).trim();
}
