import { constants } from 'node:os';

const NAMES = new Map(Object.entries(constants.errno).map(([name, errno]) => [errno, name]));

/** `ECONNREFUSED` for 111, as the system names it. */
export function nameOf(errno: number): string {
  return NAMES.get(errno) ?? `errno ${errno}`;
}
