import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The server in a process of its own. */
export class BenchServer {
  readonly path: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, path: string) {
    this.#child = child;
    this.path = path;
  }

  static async of(tunnels: number): Promise<BenchServer> {
    const file = fileURLToPath(new URL('./server.ts', import.meta.url));
    const child = fork(file, [`${tunnels}`], { execArgv: ['--import', 'tsx', '--expose-gc'] });
    return new BenchServer(child, await replyOf(child));
  }

  ask(what: 'memory' | 'still' | 'change' | 'cpu'): Promise<string> {
    const answered = replyOf(this.#child);
    this.#child.send(what);
    return answered;
  }

  end(): void {
    this.#child.disconnect();
  }
}

function replyOf(from: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('the server has ended'));
    from.once('exit', ended);
    from.once('message', (message) => {
      from.off('exit', ended);
      resolve(String(message));
    });
  });
}
