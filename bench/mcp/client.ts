import { connect, type Socket } from 'node:net';

/** A client of the legacy era, with next to no cost of its own. */
export class BenchClient {
  readonly #socket: Socket;
  readonly #waiting: ((line: string) => void)[] = [];
  #rest = '';
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text) => this.#take(String(text)));
  }

  static async to(path: string): Promise<BenchClient> {
    const socket = connect({ path });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const client = new BenchClient(socket);
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '0' } };
    await client.ask('initialize', params);
    socket.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
    return client;
  }

  ask(method: string, params: object): Promise<string> {
    const answer = this.next();
    this.#socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: this.#nextId++, method, params })}\n`);
    return answer;
  }

  /** The next line that nobody waits for yet, whatever it is. */
  next(): Promise<string> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#waiting.shift()?.(line);
  }
}
