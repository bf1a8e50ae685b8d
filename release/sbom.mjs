// What is in a package and in the packages that it needs: a CycloneDX document.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copiedIn } from './licences.mjs';

const ROOT = join(import.meta.dirname, '..');

/**
 * The document of the package in a tarball: the packages that it needs, in the versions of package-lock.json, and those
 * whose code is copied into its files. Equal tarballs and equal times make equal documents.
 */
export function sbomOf({ tarball, time, type }) {
  const folder = mkdtempSync(join(tmpdir(), 'openclaw-rl-sbom-'));
  try {
    execFileSync('tar', ['-xzf', tarball, '-C', folder]);
    const unpacked = join(folder, 'package');
    const { devDependencies: _unused, ...manifest } = readJson(join(unpacked, 'package.json'));
    const needed = neededBy(manifest, { folder: join(folder, 'needed'), type });
    const { components, dependencies, metadata } = needed;
    const isNeeded = (reference) => components.some((component) => component['bom-ref'] === reference);
    const copied = copiedIn(join(unpacked, 'dist')).filter((reference) => !isNeeded(reference));
    const { properties: _none, ...component } = metadata.component;
    const hash = createHash('sha256').update(readFileSync(tarball)).digest('hex');
    const document = {
      ...needed,
      metadata: {
        ...metadata,
        timestamp: time.toISOString(),
        component: { ...component, name: manifest.name, hashes: [{ alg: 'SHA-256', content: hash }] },
      },
      components: [...components, ...copied.map(copiedComponent)].sort(byReference),
      dependencies: [
        ...dependencies.map(({ ref, dependsOn }) =>
          ref === component['bom-ref']
            ? { ref, dependsOn: [...dependsOn, ...copied].sort() }
            : { ref, dependsOn },
        ),
        ...copied.map((ref) => ({ ref, dependsOn: [] })),
      ],
    };
    return { ...document, serialNumber: serialNumberOf({ ...document, serialNumber: '' }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What `npm sbom` says of a package.json. Its own `--omit=dev` leaves out what a development dependency needs, too; so
 * the lock file is first reduced to what this package.json needs.
 */
function neededBy(manifest, { folder, type }) {
  const npm = (...args) => execFileSync('npm', args, { cwd: folder, encoding: 'utf8' });
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  cpSync(join(ROOT, 'package-lock.json'), join(folder, 'package-lock.json'));
  npm('install', '--package-lock-only', '--ignore-scripts', '--offline', '--no-audit', '--no-fund');
  return JSON.parse(npm('sbom', '--package-lock-only', '--sbom-format=cyclonedx', `--sbom-type=${type}`));
}

/** `reference` is name@version. */
function copiedComponent(reference) {
  const at = reference.lastIndexOf('@');
  const [name, version] = [reference.slice(0, at), reference.slice(at + 1)];
  const places = Object.entries(readJson(join(ROOT, 'package-lock.json')).packages);
  const locked = places.find(([path, it]) => path.endsWith(`node_modules/${name}`) && it.version === version);
  return {
    'bom-ref': reference,
    ...{ type: 'library', name, version, scope: 'required' },
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    licenses: [{ license: { id: locked[1].license } }],
    properties: [{ name: 'openclaw-rl:copied', value: 'true' }],
  };
}

/** A UUID of what the document says: version 8, which its maker defines. */
function serialNumberOf(document) {
  const hex = createHash('sha256').update(JSON.stringify(document)).digest('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`];
  return `urn:uuid:${[...parts, hex.slice(20, 32)].join('-')}`;
}

const byReference = (a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1);

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
