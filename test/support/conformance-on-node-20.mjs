import { register } from 'node:module';

// The conformance suite imports `globSync`, which Node has from 22 on, and calls it only for what it is not asked
// here. With this preloaded (`node --import`) it runs on 20, too.

const SHIM = `data:text/javascript,${encodeURIComponent(
  "export * from 'node:fs'; export { default } from 'node:fs'; export const globSync = () => { throw new Error('no glob'); };",
)}`;

const HOOKS = `data:text/javascript,${encodeURIComponent(`
export const resolve = (specifier, context, next) =>
  /^(node:)?fs$/.test(specifier) && context.parentURL?.includes('/conformance/dist/')
    ? { url: ${JSON.stringify(SHIM)}, shortCircuit: true }
    : next(specifier, context);
`)}`;

if (Number(process.versions.node.split('.')[0]) < 22) register(HOOKS);
