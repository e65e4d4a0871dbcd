import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const source = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** What a process holds after a collection, in bytes. */
export interface Memory {
  readonly rss: number;
  /** The heap and what belongs to it outside. */
  readonly held: number;
}

/** api-server.ts, bundled from the sources of all packages and running. */
export class ApiProcess {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #defects: string[];

  private constructor(child: ChildProcess, folder: string, port: number, defects: string[]) {
    this.#child = child;
    this.#folder = folder;
    this.port = port;
    this.#defects = defects;
  }

  static async start(): Promise<ApiProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'hurricane-api-'));
    await build({
      config: false,
      silent: true,
      entry: { server: source('test/support/api-server.ts') },
      // Its `paths` lead to the sources of the other packages.
      tsconfig: source('tsconfig.json'),
      format: 'esm',
      platform: 'node',
      target: 'node20',
      noExternal: [/.*/],
      outDir: folder,
    });
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    // V8 keeps its young generation as large as it once was, up to 48 MiB. That is no leak: here it stays small.
    const child = fork(join(folder, 'server.js'), [], { execArgv: ['--expose-gc', '--max-semi-space-size=2'] });
    const [said] = (await once(child, 'message')) as [{ readonly port: number }];
    const defects: string[] = [];
    child.on('message', (message: { readonly defect?: string }) => {
      if (message.defect !== undefined) defects.push(message.defect);
    });
    return new ApiProcess(child, folder, said.port, defects);
  }

  /** What it reported as its own fault. */
  get defects(): readonly string[] {
    return this.#defects;
  }

  /** Open files and connections. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length;
  }

  async memory(): Promise<Memory> {
    const told = once(this.#child, 'message');
    this.#child.send('memory');
    const [memory] = (await told) as [Memory];
    return memory;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    await rm(this.#folder, { recursive: true });
  }
}
