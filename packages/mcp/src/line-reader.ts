const NEWLINE = 0x0a;

/** Pieces of an unfinished line that are kept apart: a client may send it byte by byte. */
const PIECES_AT_MOST = 64;

/** Takes a stream of bytes apart at its line ends. */
export class LineReader {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  /** Of the first chunk, so much has been taken. */
  #offset = 0;
  #pieces: Buffer[] = [];
  #length = 0;

  /** @param limit bytes of one line, its end not counted. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  /** The next whole line without its end; null: there is none yet; `too_long`: it will never be one. */
  next(): Buffer | 'too_long' | null {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const end = chunk.indexOf(NEWLINE, this.#offset);
      const piece = chunk.subarray(this.#offset, end === -1 ? chunk.length : end);
      if (this.#length + piece.length > this.#limit) return 'too_long';
      this.#keep(piece);
      this.#offset = end + 1;
      if (end === -1 || end === chunk.length - 1) {
        this.#chunks.shift();
        this.#offset = 0;
      }
      if (end !== -1) return this.#line();
    }
    return null;
  }

  /** What stands after the last line end: whoever has ended the stream may have left that out. */
  rest(): Buffer {
    return this.#line();
  }

  /** Whether `next` would have something to say. */
  get hasMore(): boolean {
    return this.#chunks.length > 0;
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#pieces.length > PIECES_AT_MOST) this.#pieces = [Buffer.concat(this.#pieces)];
  }

  #line(): Buffer {
    const line = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    return line;
  }
}
