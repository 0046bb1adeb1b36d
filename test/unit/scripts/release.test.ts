import { describe, expect, it } from 'vitest';
import {
  compare,
  dated,
  newestSection,
  obstacles,
  obstaclesOfPublishing,
  type Situation,
  withVersion,
} from '../../../scripts/lib/release.ts';
import { textOf } from '../../support/example-files.ts';

const CHANGELOG =
  '# Changelog\n\nWords.\n\n## [0.2.0] - Unreleased\n\n### Added\n\n- This.\n\n## [0.1.0] - 2026-01-02\n\n### Added\n\n- That.\n';

const ready: Situation = {
  manifest: { version: '0.1.0', repository: { url: 'git+https://example.com/somebody/asyncio-ts.git' } },
  section: { version: '0.2.0', date: 'Unreleased', body: '### Added\n\n- This.' },
  tags: ['v0.1.0'],
  branch: 'main',
  changes: '',
};

describe('the changelog of a release', () => {
  it('gives the newest section, without the ones below it', () => {
    expect(newestSection(CHANGELOG)).toEqual({ version: '0.2.0', date: 'Unreleased', body: '### Added\n\n- This.' });
  });

  it('of this repository has a section that can be read', () => {
    expect(newestSection(textOf('CHANGELOG.md')).body).toContain('- ');
  });

  it('gets a date where it said Unreleased, and nowhere else', () => {
    const after = dated(CHANGELOG, '2026-03-04');
    expect(newestSection(after).date).toBe('2026-03-04');
    expect(after).toContain('## [0.1.0] - 2026-01-02');
  });

  it('without a section says how to begin one', () => {
    expect(() => newestSection('# Changelog\n')).toThrow('## [1.2.3] - Unreleased');
  });
});

describe('the version of a release', () => {
  it('is written into a manifest and into both places of a lockfile, and nothing else is changed', () => {
    const lock =
      '{\n  "version": "0.1.0",\n  "packages": {\n    "": {\n      "version": "0.1.0"\n    },\n    "a": {\n      "version": "0.1.0"\n    }\n  }\n}\n';
    expect(withVersion(lock, '0.2.0').match(/0\.\d\.0/g)).toEqual(['0.2.0', '0.2.0', '0.1.0']);
    const manifest = textOf('package.json');
    const { version } = JSON.parse(manifest) as { version: string };
    expect(withVersion(manifest, version)).toBe(manifest);
    const lockfile = textOf('package-lock.json');
    expect(withVersion(lockfile, version)).toBe(lockfile);
  });

  it.each([
    ['0.9.0', '0.10.0'],
    ['1.0.0-rc.1', '1.0.0'],
    ['1.0.0-a', '1.0.0-b'],
    ['1.9.9', '2.0.0'],
  ])('%s is older than %s', (older, newer) => {
    expect(compare(older, newer)).toBeLessThan(0);
    expect(compare(newer, older)).toBeGreaterThan(0);
    expect(compare(older, older)).toBe(0);
  });
});

describe('a release is made', () => {
  it('when nothing stands in its way', () => {
    expect(obstacles(ready)).toEqual([]);
  });

  it.each<[string, Partial<Situation>, string]>([
    [
      'of a version that is older than the package',
      { section: { ...ready.section, version: '0.0.9' } },
      'older than 0.1.0',
    ],
    ['of what is no version', { section: { ...ready.section, version: 'next' } }, 'no version'],
    ['of what was released', { section: { ...ready.section, date: '2026-01-02' } }, 'was released on'],
    ['without a word about it', { section: { ...ready.section, body: '### Added' } }, 'says nothing of'],
    ['with a tag that exists', { tags: ['v0.2.0'] }, 'already'],
    ['on another branch', { branch: 'topic' }, 'the branch is topic'],
    ['with changes that are not committed', { changes: ' M src/index.ts' }, 'has changes'],
    [
      'with a placeholder for the repository',
      { manifest: { version: '0.1.0', repository: { url: 'git+https://github.com/OWNER/asyncio-ts.git' } } },
      'placeholder OWNER',
    ],
    ['without a repository', { manifest: { version: '0.1.0' } }, 'repository.url'],
    ['of a private package', { manifest: { ...ready.manifest, private: true } }, 'private'],
  ])('but not %s', (_what, change, message) => {
    expect(obstacles({ ...ready, ...change })).toEqual([expect.stringContaining(message)]);
  });
});

describe('a release is published', () => {
  const released = {
    manifest: { ...ready.manifest, version: '0.2.0' },
    section: { ...ready.section, date: '2026-03-04' },
    tags: ['v0.2.0'],
  };
  const ci = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://example.com' };

  it('in CI, at its tag', () => {
    expect(obstaclesOfPublishing(released, ci)).toEqual([]);
  });

  it('but not without an identity, a tag or a date, or with another version in the changelog', () => {
    expect(obstaclesOfPublishing(released, {})).toEqual([expect.stringContaining('no identity')]);
    expect(obstaclesOfPublishing({ ...released, tags: [''] }, ci)).toEqual([
      expect.stringContaining('not tagged v0.2.0'),
    ]);
    expect(obstaclesOfPublishing({ ...released, section: ready.section }, ci)).toEqual([
      expect.stringContaining('no date'),
    ]);
    expect(obstaclesOfPublishing({ ...released, manifest: ready.manifest, tags: ['v0.1.0'] }, ci)).toEqual([
      expect.stringContaining('begins with 0.2.0, but package.json is 0.1.0'),
    ]);
  });
});
