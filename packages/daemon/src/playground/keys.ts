/** A terminal's input, or what stands for it. */
export type KeySource = NodeJS.ReadableStream & {
  readonly isTTY?: boolean;
  setRawMode?(on: boolean): unknown;
};

/** Ctrl-C and Ctrl-D, which a terminal in raw mode passes on as they are. */
const END_KEYS = ['\u0003', '\u0004', 'q', 'Q'];

/** Calls `press` for single keys and `end` for those that mean it, until the returned function is called. */
export function watchKeys(stdin: KeySource, press: (key: string) => void, end: () => void): () => void {
  const take = (chunk: unknown): void => {
    for (const key of String(chunk)) {
      if (END_KEYS.includes(key)) end();
      else press(key);
    }
  };
  stdin.setRawMode?.(true);
  stdin.on('data', take);
  // The terminal has gone.
  stdin.once('error', end);
  stdin.once('end', end);
  stdin.resume();
  return () => {
    stdin.off('data', take);
    stdin.off('end', end);
    stdin.setRawMode?.(false);
    stdin.pause();
  };
}
