import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** linux/capability.h */
const CAP_NET_ADMIN = 12n;

/**
 * Whether a process may change interfaces and routes.
 *
 * @param status the text of /proc/self/status. Without a line of capabilities the answer is yes:
 * the host itself will say no.
 */
export function mayChangeNetwork(status: string): boolean {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return line === undefined || ((BigInt(`0x${line}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}

/** The same for this process. */
export function thisProcessMayChangeNetwork(): boolean {
  try {
    return mayChangeNetwork(readFileSync('/proc/self/status', 'utf8'));
  } catch {
    return true;
  }
}

/** @param path as in `PATH`: folders, separated by colons. */
export function isInstalled(program: string, path: string): boolean {
  return path.split(':').some((folder) => folder !== '' && isExecutable(join(folder, program)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
