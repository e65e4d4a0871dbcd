import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the commented example may be: beside an installed daemon, in the package, in a checkout. */
const EXAMPLES: readonly string[] = [
  '/etc/v6-gatewayd.conf.example',
  '/usr/share/doc/v6-gatewayd/v6-gatewayd.conf.example',
  fileURLToPath(new URL('./v6-gatewayd.conf.example', import.meta.url)),
  fileURLToPath(new URL('../../../config/v6-gatewayd.conf.example', import.meta.url)),
];

/** Where the example is on this machine; null when it is nowhere. */
export function exampleFile(exists: (file: string) => boolean = existsSync): string | null {
  return EXAMPLES.find((file) => exists(file)) ?? null;
}

/** What somebody without a configuration file can do: completes a sentence. */
export function waysOn(file: string, example: string | null): string {
  const ways = [
    example === null ? `write one` : `copy the example (cp ${example} ${file}) and edit it`,
    'name another with -c FILE',
    'or look around without one: hurricane playground',
  ];
  return ways.join(', ');
}
