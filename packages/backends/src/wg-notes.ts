import type { Logger, LogLevel } from '@hurricane/core';
import { hooksOf, sharesRouting, valuesOf, type WgLine } from './wg-conf.js';
import type { WgFile } from './wg-files.js';

/** Something about a file that its author may not expect. */
export interface WgNote {
  readonly level: LogLevel;
  readonly text: string;
}

/** Notes told apart before all are forgotten, and so said again. */
const REMEMBERED = 1_024;

/** Everything worth saying about a file that wg-quick is about to be given. */
export function notesOn(file: WgFile, lines: readonly WgLine[]): readonly WgNote[] {
  const { path } = file;
  const info = (text: string): WgNote => ({ level: 'info', text });
  const warn = (text: string): WgNote => ({ level: 'warn', text });
  const hooks = [...new Set(hooksOf(lines).map(({ key }) => key))];
  const isOff = sharesRouting(lines);
  const dns = valuesOf(lines, 'interface', 'dns');
  const saves = valuesOf(lines, 'interface', 'saveconfig').at(-1) === 'true';
  const allowed = valuesOf(lines, 'peer', 'allowedips');
  return [
    ...(file.isExposed ? [warn(`${path} holds a private key and everybody can read it: chmod 600 ${path}`)] : []),
    ...(hooks.length > 0 ? [info(`${path} has ${hooks.join(' and ')} commands: wg-quick runs them as root`)] : []),
    ...(isOff && allowed.includes('0.0.0.0/0')
      ? [info(`${path} asks for all IPv4 traffic: the gateway routes IPv6 only and leaves IPv4 as it is`)]
      : []),
    ...(isOff && dns.length > 0
      ? [info(`DNS = ${dns.join(', ')} of ${path} is not applied: it would fail with the first failover`)]
      : []),
    ...(saves ? [warn(`SaveConfig of ${path} has no effect: the gateway never writes to that file`)] : []),
    ...(allowed.some(isWide) ? [] : [warn(`no peer of ${path} has ::/0 in AllowedIPs: little of IPv6 can pass`)]),
  ];
}

/** Prefixes of a good part of IPv6, which is in 2000::/3. */
const isWide = (network: string): boolean => /:.*\/[0-3]$/.test(network);

/** Says each thing once, however often it is true. */
export function saidOnce(logger: Logger | null): (note: WgNote) => void {
  const said = new Set<string>();
  return ({ level, text }) => {
    if (logger === null || said.has(text)) return;
    if (said.size >= REMEMBERED) said.clear();
    said.add(text);
    logger.log(level, text);
  };
}
