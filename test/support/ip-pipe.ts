import { type ChildProcess, spawn } from 'node:child_process';
import type { Namespace } from './namespace.js';

/**
 * One `ip` that obeys for as long as it runs, in a namespace: for many commands whose success does not
 * matter, such as deleting what may be gone already. They are carried out in order, a moment later.
 */
export class IpPipe {
  readonly #child: ChildProcess;

  constructor(space: Namespace) {
    this.#child = spawn('ip', ['-6', '-n', space.name, '-force', '-batch', '-'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#child.stdin?.on('error', () => undefined);
  }

  /** Without `ip -6`, such as `link del he-a`. */
  send(...lines: readonly string[]): void {
    if (this.#child.exitCode !== null) throw new Error(`ip ended with ${this.#child.exitCode}`);
    this.#child.stdin?.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** Resolves once everything is done and it has ended. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin?.end();
    if (this.#child.exitCode === null) await ended;
  }
}
