import type { ChildProcess } from 'node:child_process';
import type { Millis } from '@hurricane/core';
import type { Finished } from './command.js';
import { killGroup, type Launch } from './launch.js';

/** How long one request may take; the kernel answers within milliseconds. */
const ANSWER_LIMIT: Millis = 1_000;

/** Characters of answer kept of one request: some 4,000 default routes. More, and the process is given up. */
const ANSWER_SIZE = 1024 * 1024;

/** No object of `ip` is called that, so it fails, and says on which line: the sign that all before is done. */
const MARK = 'hurricane-mark';

interface Request {
  /** Line numbers as `ip` counts them: of the first command, and of the mark after the last. */
  readonly firstLine: number;
  readonly markLine: number;
  /** Which of the commands answer with a line of JSON. */
  readonly shows: readonly boolean[];
  readonly failures: Map<number, string>;
  readonly answer: (answers: readonly Finished[] | null) => void;
}

/** One running `ip -batch`. Answers one request at a time; dies rather than answer wrongly. */
export class BatchProcess {
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #alive = true;
  #line = 0;
  #request: Request | null = null;
  #marked = false;
  #stdout = '';
  #stderr = '';

  /** Null when it cannot even be tried. */
  static start(launch: Launch): BatchProcess | null {
    try {
      const argv = ['ip', '-N', '-j', '-6', '-force', '-batch', '-'];
      return new BatchProcess(launch(argv, { stdio: ['pipe', 'pipe', 'pipe'], ownGroup: true }));
    } catch {
      return null;
    }
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#gone = new Promise((resolve) => {
      const die = (): void => {
        this.#die();
        resolve();
      };
      child.once('exit', die);
      child.once('error', die);
    });
    child.stdin?.on('error', () => this.#die());
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#read();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#read();
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Null when it cannot tell what became of the commands: it is dead then. */
  ask(commands: readonly (readonly string[])[], signal: AbortSignal): Promise<readonly Finished[] | null> {
    if (!this.#alive || this.#request !== null) return Promise.resolve(null);
    return new Promise((resolve) => {
      const giveUp = (): void => this.#die();
      const late = setTimeout(giveUp, ANSWER_LIMIT);
      signal.addEventListener('abort', giveUp, { once: true });
      const answer = (answers: readonly Finished[] | null): void => {
        clearTimeout(late);
        signal.removeEventListener('abort', giveUp);
        resolve(answers);
      };
      const firstLine = this.#line + 1;
      const markLine = this.#line + commands.length + 1;
      const shows = commands.map((words) => words[1] === 'show');
      this.#request = { firstLine, markLine, shows, failures: new Map(), answer };
      this.#line = markLine;
      this.#child.stdin?.write(`${[...commands.map((words) => words.join(' ')), MARK].join('\n')}\n`);
    });
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
    const late = setTimeout(() => killGroup(this.#child), ANSWER_LIMIT);
    await this.#gone;
    clearTimeout(late);
  }

  #die(): void {
    this.#alive = false;
    killGroup(this.#child);
    const request = this.#request;
    this.#request = null;
    request?.answer(null);
  }

  #read(): void {
    if (this.#stdout.length + this.#stderr.length > ANSWER_SIZE) this.#die();
    this.#readFailures();
    const request = this.#request;
    if (request === null || !this.#marked) return;
    // A `show` that failed leaves half a line of JSON behind: no later answer could be trusted.
    if (request.shows.some((isShow, i) => isShow && request.failures.has(request.firstLine + i))) {
      this.#die();
      return;
    }
    const lines = this.#stdout.split('\n');
    if (lines.length - 1 < request.shows.filter(Boolean).length) return;
    this.#stdout = '';
    this.#marked = false;
    this.#request = null;
    request.answer(answersTo(request, lines));
  }

  /** `ip` ends what it says about a command that failed with `Command failed -:LINE`. */
  #readFailures(): void {
    for (;;) {
      const end = /^Command failed -:(\d+)\n/m.exec(this.#stderr);
      if (end === null) return;
      const line = Number(end[1]);
      if (line === this.#request?.markLine) this.#marked = true;
      else this.#request?.failures.set(line, this.#stderr.slice(0, end.index));
      this.#stderr = this.#stderr.slice(end.index + end[0].length);
    }
  }
}

function answersTo(request: Request, lines: string[]): readonly Finished[] {
  return request.shows.map((isShow, i) => {
    const stderr = request.failures.get(request.firstLine + i);
    const stdout = isShow ? (lines.shift() ?? '') : '';
    // What `ip` itself ends with when the kernel refuses.
    return stderr === undefined ? { exitCode: 0, stdout, stderr: '' } : { exitCode: 2, stdout, stderr };
  });
}
