import type { OpenapiDocument } from './openapi-document.js';
export const DOCS_POLICY = "default-src 'none'";
export function docsPage(document: OpenapiDocument): string {
  return `<!doctype html><title>${document.info.title}</title>`;
}
