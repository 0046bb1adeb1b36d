/** What a release is made of, as texts: its version, its section of the changelog, and what stands in its way. */

/** The newest section of the changelog. */
export interface Section {
  readonly version: string;
  /** As it stands there: a date, or `Unreleased`. */
  readonly date: string;
  readonly body: string;
}

/** Reads the newest section of a changelog. */
export function newestSection(changelog: string): Section {
  const [, version, date, body] = changelog.match(/^## \[([^\]]+)\] - (.+)\n([\s\S]*?)(?=^## |(?![\s\S]))/m) ?? [];
  if (version === undefined || date === undefined || body === undefined) {
    throw new Error('CHANGELOG.md has no section: begin one with `## [1.2.3] - Unreleased`');
  }
  return { version, date: date.trim(), body: body.trim() };
}

/** The changelog with the newest section dated. */
export function dated(changelog: string, date: string): string {
  return changelog.replace(/^(## \[[^\]]+\] - )Unreleased$/m, `$1${date}`);
}

/** A manifest or lockfile with another version of the package itself. */
export function withVersion(json: string, version: string): string {
  const data = JSON.parse(json) as { version: string; packages?: Record<string, { version?: string }> };
  data.version = version;
  const own = data.packages?.[''];
  if (own !== undefined) own.version = version;
  return `${JSON.stringify(data, null, 2)}\n`;
}

/** What is looked at before a release. */
export interface Situation {
  readonly manifest: {
    readonly version: string;
    readonly repository?: { readonly url?: string };
    readonly private?: boolean;
  };
  readonly section: Section;
  /** The versions that are tagged already. */
  readonly tags: readonly string[];
  readonly branch: string;
  /** What `git status --short` says. */
  readonly changes: string;
}

/** What stands in the way of preparing a release, as sentences that say what to do. */
export function obstacles({ manifest, section, tags, branch, changes }: Situation): string[] {
  const found: string[] = [];
  if (!VERSION.test(section.version))
    found.push(`CHANGELOG.md: ${section.version} is no version: write one such as 1.2.3`);
  else if (compare(section.version, manifest.version) < 0) {
    found.push(`CHANGELOG.md begins with ${section.version}, which is older than ${manifest.version} of package.json`);
  }
  if (section.date !== 'Unreleased') {
    found.push(`${section.version} was released on ${section.date}: begin a section \`## [x.y.z] - Unreleased\``);
  }
  if (!/^- /m.test(section.body))
    found.push(`CHANGELOG.md says nothing of ${section.version}: add a line for each change`);
  if (tags.includes(`v${section.version}`))
    found.push(`there is a tag v${section.version} already: choose another version`);
  if (branch !== 'main') found.push(`the branch is ${branch}: releases are made on main`);
  if (changes !== '') found.push('the working tree has changes: commit them first');
  return [...found, ...obstaclesOfManifest(manifest)];
}

/** What registries ask of a package with provenance: the address of the repository that builds it. */
export function obstaclesOfManifest({ repository, private: isPrivate }: Situation['manifest']): string[] {
  const found: string[] = [];
  if (isPrivate === true) found.push('package.json says "private": it cannot be published');
  const url = repository?.url ?? '';
  if (!/^git\+https:\/\/[^/]+\/[^/]+\/[^/]+\.git$/.test(url)) {
    found.push(
      'package.json: "repository.url" must be git+https://host/owner/name.git, or the provenance does not match',
    );
  } else if (url.includes('/OWNER/')) {
    found.push(
      'package.json: "repository.url" has the placeholder OWNER: write the owner of the repository, there and in "homepage" and "bugs"',
    );
  }
  return found;
}

/** What stands in the way of publishing what is checked out. */
export function obstaclesOfPublishing(
  { manifest, section, tags }: Pick<Situation, 'manifest' | 'section'> & { readonly tags: readonly string[] },
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const found: string[] = [];
  if (section.version !== manifest.version)
    found.push(`CHANGELOG.md begins with ${section.version}, but package.json is ${manifest.version}`);
  if (section.date === 'Unreleased')
    found.push(`${section.version} has no date in CHANGELOG.md: run \`npm run release\` first`);
  if (!tags.includes(`v${manifest.version}`)) found.push(`what is checked out is not tagged v${manifest.version}`);
  const hasIdentity = ['ACTIONS_ID_TOKEN_REQUEST_URL', 'SIGSTORE_ID_TOKEN'].some(
    (name) => (environment[name] ?? '') !== '',
  );
  if (!hasIdentity) {
    found.push(
      'there is no identity for a provenance: publish from GitHub Actions with `permissions: id-token: write`, or from GitLab CI with SIGSTORE_ID_TOKEN',
    );
  }
  return [...found, ...obstaclesOfManifest(manifest)];
}

const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

/** Below 0 when the first version is the older one. A version with a suffix comes before the one without. */
export function compare(one: string, other: string): number {
  const parts = (version: string) => version.split('-')[0]!.split('.').map(Number);
  const [a, b] = [parts(one), parts(other)];
  for (const [at, part] of a.entries()) if (part !== b[at]) return part - b[at]!;
  const [left, right] = [one.includes('-'), other.includes('-')];
  if (left !== right) return left ? -1 : 1;
  return one < other ? -1 : one > other ? 1 : 0;
}
