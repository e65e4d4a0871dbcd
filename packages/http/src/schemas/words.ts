import { z } from 'zod';

// The vocabulary of the schemas: what a number or a text stands for.

/** JSON numbers hold whole numbers exactly up to here. */
const SAFE = Number.MAX_SAFE_INTEGER;

export const text: z.ZodString = z.string();
export const name: z.ZodString = z.string().describe('Name of a tunnel.');
export const wholeNumber: z.ZodInt = z.int().min(0).max(SAFE);
export const milliseconds: z.ZodInt = z.int().min(0).max(SAFE).describe('Milliseconds.');
export const bytes: z.ZodNumber = z.number().min(0).describe('Bytes; exact up to 2^53.');
export const fraction: z.ZodNumber = z.number().min(0).max(1).describe('0 to 1.');
export const unixSeconds: z.ZodInt = z.int().min(0).max(SAFE).describe('Unix time in seconds.');
export const unixMilliseconds: z.ZodInt = z.int().min(0).max(SAFE).describe('Unix time in milliseconds.');
export const port: z.ZodInt = z.int().min(1).max(65_535);
export const logLevel: z.ZodEnum<{ debug: 'debug'; info: 'info'; warn: 'warn'; error: 'error' }> = z.enum([
  'debug',
  'info',
  'warn',
  'error',
]);

/** Unknown is null. */
export function nullable<T extends z.ZodType>(schema: T): z.ZodNullable<T> {
  return schema.nullable();
}
