// The packetdrill language: parse, print, symbols. What other parts of the project import.

export * from './ast.js';
export { ScriptError, type ScriptErrorCode } from './errors.js';
export { type ParseOptions, parseScript } from './parser.js';
export { nearest } from './suggest.js';
export { errnoName, errnoNumber, errnoText, nearestSymbol, symbolNames, symbolValue } from './symbols.js';
export { DefinitionError, splitDefinition } from './tokens.js';
