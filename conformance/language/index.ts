// The packetdrill language: parse, print, symbols. What other parts of the project import.

export * from './ast.js';
export { checkNames, type NameCheckOptions, undefinedNames } from './check-names.js';
export { ScriptError, type ScriptErrorCode } from './errors.js';
export { type Feature, featuresOf } from './features.js';
export { type ParseOptions, parseScript } from './parser.js';
export { printExpression } from './print-expression.js';
export { printPacket, printTcpOption } from './print-packet.js';
export { printBody, printEvent, printScript, printSeconds, printSyscall } from './printer.js';
export { withoutPositions } from './same-tree.js';
export { nearest } from './suggest.js';
export { errnoName, errnoNumber, errnoText, nearestSymbol, symbolNames, symbolValue } from './symbols.js';
export { DefinitionError, splitDefinition } from './tokens.js';
export { RoundTripError, type Verification, verifyScript } from './verify.js';
export { childrenOf, systemCallsOf, walkExpression } from './walk.js';
