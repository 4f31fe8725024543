// The tree of a command text: lists of pipelines of commands, and words with their parts still unexpanded.

export type WordPart =
  | { readonly kind: 'literal'; readonly text: string; readonly quoted: boolean }
  /** `$NAME`, `${NAME}`, `${NAME:-fallback}` */
  | {
      readonly kind: 'parameter';
      readonly name: string;
      readonly fallback: string | null;
      readonly quoted: boolean;
    }
  /** `$((...))` */
  | { readonly kind: 'arithmetic'; readonly text: string; readonly quoted: boolean }
  /** `$(...)` */
  | { readonly kind: 'substitution'; readonly list: CommandList; readonly quoted: boolean };

export interface Word {
  readonly parts: readonly WordPart[];
  readonly line: number;
}

export type Redirection =
  | { readonly kind: 'write' | 'append'; readonly from: 1 | 2 | 'both'; readonly target: Word }
  | { readonly kind: 'read'; readonly target: Word }
  | { readonly kind: 'duplicate'; readonly from: 1 | 2; readonly to: 1 | 2 };

export interface SimpleCommand {
  readonly kind: 'simple';
  readonly assignments: readonly { readonly name: string; readonly value: Word }[];
  readonly words: readonly Word[];
  readonly redirections: readonly Redirection[];
  readonly line: number;
}

export interface IfCommand {
  readonly kind: 'if';
  readonly branches: readonly { readonly condition: CommandList; readonly body: CommandList }[];
  readonly otherwise: CommandList | null;
  readonly line: number;
}

export interface ForCommand {
  readonly kind: 'for';
  readonly name: string;
  readonly words: readonly Word[];
  readonly body: CommandList;
  readonly line: number;
}

export interface GroupCommand {
  readonly kind: 'group';
  readonly body: CommandList;
  readonly redirections: readonly Redirection[];
  readonly line: number;
}

export type Command = SimpleCommand | IfCommand | ForCommand | GroupCommand;

export interface Pipeline {
  readonly negated: boolean;
  readonly commands: readonly Command[];
}

export interface AndOr {
  readonly first: Pipeline;
  readonly rest: readonly { readonly operator: '&&' | '||'; readonly pipeline: Pipeline }[];
}

export type CommandList = readonly AndOr[];
