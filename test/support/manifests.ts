import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importsOf, packageNamed } from './imports.js';
import { isTest, type SourceFile, TOP } from './sources.js';

type Names = Readonly<Record<string, string>>;

interface Manifest {
  readonly name: string;
  readonly bin?: Names;
  readonly scripts?: Names;
  readonly dependencies?: Names;
  readonly devDependencies?: Names;
  readonly peerDependencies?: Names;
  readonly optionalDependencies?: Names;
}

/** A package of the workspace and all its files; the root's are those that belong to no other. */
export interface Member {
  /** `packages/core/`, or '' for the root. */
  readonly folder: string;
  readonly manifest: Manifest;
  readonly files: readonly SourceFile[];
}

export function membersOf(files: readonly SourceFile[]): readonly Member[] {
  const folders = readdirSync(join(TOP, 'packages')).map((name) => `packages/${name}/`);
  const inPackages = folders
    .filter((folder) => existsSync(join(TOP, folder, 'package.json')))
    .map((folder) =>
      memberAt(
        folder,
        files.filter(({ path }) => path.startsWith(folder)),
      ),
    );
  const inRoot = files.filter(({ path }) => !folders.some((folder) => path.startsWith(folder)));
  return [memberAt('', inRoot), ...inPackages];
}

/**
 * One sentence for each package that is imported and not declared where it has to be.
 *
 * A library's users get its `dependencies` only. A program is bundled, so all its own are `devDependencies`.
 * Tests and build settings may use what the root has.
 */
export function undeclaredIn(member: Member, root: Member): readonly string[] {
  const { manifest } = member;
  const needed = [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies].flatMap(keys);
  const shipped = new Set([...needed, manifest.name]);
  const own = new Set([...shipped, ...keys(manifest.devDependencies)]);
  const everywhere = new Set([...own, ...keys(root.manifest.devDependencies), ...keys(root.manifest.dependencies)]);
  const isProgram = manifest.bin !== undefined;
  return member.files.flatMap((file) => {
    const isBuilt = file.path.startsWith(`${member.folder}src/`) && !isTest(file.path);
    const declared = !isBuilt ? everywhere : isProgram ? own : shipped;
    return importsOf(file).flatMap(({ path, line, specifier }) => {
      const name = packageNamed(specifier);
      if (name === null || declared.has(name)) return [];
      return [`${path}:${line} imports ${name}: add it to the dependencies in ${member.folder}package.json.`];
    });
  });
}

/** One sentence for each declared package that nothing uses: no import, no script, no tool configuration. */
export function unusedIn(member: Member, all: readonly Member[]): readonly string[] {
  const { manifest, folder } = member;
  const isRoot = folder === '';
  const files = isRoot ? all.flatMap((other) => other.files) : member.files;
  const scripts = (isRoot ? all : [member]).flatMap((other) => Object.values(other.manifest.scripts ?? {}));
  const imported = new Set(files.flatMap(importsOf).map(({ specifier }) => packageNamed(specifier)));
  const words = new Set(
    scripts
      .concat(files.filter(isScript).map(({ text }) => text))
      .join(' ')
      .split(/[^\w@/.-]+/),
  );
  const declared = [manifest.dependencies, manifest.devDependencies, manifest.peerDependencies].flatMap(keys);
  return declared
    .filter(
      (name) => !imported.has(name) && !typesOf(name, imported) && !binsOf(name, folder).some((b) => words.has(b)),
    )
    .map((name) => `${folder}package.json declares ${name} and nothing uses it: remove it.`);
}

const keys = (names: Names | undefined): readonly string[] => Object.keys(names ?? {});
const isScript = ({ path }: SourceFile): boolean => path.startsWith('scripts/');

/** Types describe what is imported; Node's are there without an import. */
function typesOf(name: string, imported: ReadonlySet<string | null>): boolean {
  return name === '@types/node' || (name.startsWith('@types/') && imported.has(name.slice('@types/'.length)));
}

/** The commands a package brings. */
function binsOf(name: string, folder: string): readonly string[] {
  const path = join(TOP, folder, 'node_modules', name, 'package.json');
  if (!existsSync(path)) return [];
  const { bin } = JSON.parse(readFileSync(path, 'utf8')) as { readonly bin?: string | Names };
  return typeof bin === 'string' ? [name] : keys(bin);
}

function memberAt(folder: string, files: readonly SourceFile[]): Member {
  const manifest = JSON.parse(readFileSync(join(TOP, folder, 'package.json'), 'utf8')) as Manifest;
  return { folder, manifest, files };
}
