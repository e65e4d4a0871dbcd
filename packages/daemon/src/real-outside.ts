import { fstatSync } from 'node:fs';
import { autoProber, knockOut, linuxHost, systemRunner } from '@hurricane/backends';
import { describeDriverError, systemClock } from '@hurricane/core';
import { bindPrivately, holderOfPort, processSource, serve, serveSocket } from '@hurricane/http/node';
import { asleep } from './asleep.js';
import { readTextFile } from './config-file.js';
import { describeCrash, watchCrashes } from './crash.js';
import { runDaemon } from './daemon.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { isInstalled, thisProcessMayChangeNetwork } from './host-needs.js';
import type { Invocation } from './invocation.js';
import { FLUSH_LIMIT } from './limits.js';
import { createLog, leadsToJournal } from './log.js';
import type { Signals } from './signals.js';
import { readTokenFile } from './token-file.js';
import { VERSION } from './version.js';
import { exampleFile } from './ways-on.js';

/** Runs the daemon on this machine. Resolves to the exit code once the log has been written. */
export async function runHere(asked: Extract<Invocation, { kind: 'run' }>, signals: Signals): Promise<ExitCode> {
  const journal = asked.logFormat === 'text' && leadsToJournal(process.env['JOURNAL_STREAM'], fstatSync(2));
  const log = createLog({ format: asked.logFormat, level: 'info', stream: process.stderr, journal });
  const crashed = new Promise<ExitCode>((resolve) => {
    watchCrashes(process, (account) => {
      log.log('error', account);
      resolve(EXIT.failure);
    });
  });
  const { configFile, debug, foreground } = asked;
  const life = runDaemon(
    { configFile, debug, foreground, version: VERSION },
    {
      log,
      signals,
      readText: readTextFile,
      exampleFile,
      mayChangeNetwork: thisProcessMayChangeNetwork,
      isInstalled: (program) => isInstalled(program, process.env['PATH'] ?? ''),
      makeHost: ({ routing, health }) =>
        linuxHost({ routing, prober: autoProber({ method: health.method, port: health.port }), logger: log }),
      clock: { ...systemClock, asleep },
      readToken: readTokenFile,
      serve,
      serveSocket,
      bind: bindPrivately,
      process: processSource(),
      relay: {
        knock: (how) => knockOut(how, systemRunner()).mapErr((error) => ({ reason: describeDriverError(error) })),
        holderOf: async (protocol, port) => {
          const holder = await holderOfPort(port, protocol);
          return holder === null ? null : `${holder.name} (process ${holder.pid})`;
        },
      },
    },
  );
  const survived = life.catch((thrown: unknown) => {
    log.log('error', describeCrash(thrown));
    return EXIT.failure;
  });
  const exitCode = await Promise.race([survived, crashed]);
  await log.flush(FLUSH_LIMIT);
  return exitCode;
}
