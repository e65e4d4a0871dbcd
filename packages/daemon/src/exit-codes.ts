/** How this program ends. The numbers above 2 are those of sysexits(3). */
export const EXIT = {
  /** It did what it was asked; after a signal to stop: nothing of it is left on the host. */
  ok: 0,
  /** It failed, or left something behind; `status`: IPv6 does not work. */
  failure: 1,
  /** The command line makes no sense. EX_USAGE */
  usage: 64,
  /** Something it needs is missing or taken: a program, a port, a running daemon. EX_UNAVAILABLE */
  unavailable: 69,
  /** EX_NOPERM */
  noPermission: 77,
  /** The configuration is missing or has mistakes. EX_CONFIG */
  config: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
