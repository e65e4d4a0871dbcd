import packageJson from '../package.json' with { type: 'json' };

/** The version of the package this program was built from. */
export const VERSION: string = packageJson.version;
