// The tree of a snippet. Offsets are into the snippet's text.

export interface Place {
  readonly start: number;
  readonly end: number;
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**' | '&' | '|' | '^' | '<<' | '>>';
export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in' | 'is' | 'is not';

export type Expression = Place &
  (
    | { readonly kind: 'int'; readonly value: bigint }
    | { readonly kind: 'float'; readonly value: number }
    | { readonly kind: 'string'; readonly value: string }
    | { readonly kind: 'constant'; readonly value: boolean | null }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'tuple'; readonly items: readonly Expression[] }
    | { readonly kind: 'unary'; readonly operator: '-' | '+' | '~' | 'not'; readonly operand: Expression }
    | {
        readonly kind: 'binary';
        readonly operator: BinaryOperator;
        readonly left: Expression;
        readonly right: Expression;
      }
    | { readonly kind: 'logical'; readonly operator: 'and' | 'or'; readonly operands: readonly Expression[] }
    | {
        readonly kind: 'comparison';
        readonly first: Expression;
        readonly rest: readonly { readonly operator: ComparisonOperator; readonly operand: Expression }[];
      }
    | {
        readonly kind: 'conditional';
        readonly condition: Expression;
        readonly whenTrue: Expression;
        readonly whenFalse: Expression;
      }
    | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  );

export type Statement = Place &
  (
    | { readonly kind: 'assert'; readonly condition: Expression; readonly message: Expression | null }
    | {
        readonly kind: 'assign';
        readonly name: string;
        readonly operator: BinaryOperator | null;
        readonly value: Expression;
      }
    | { readonly kind: 'expression'; readonly value: Expression }
    | {
        readonly kind: 'if';
        readonly condition: Expression;
        readonly whenTrue: readonly Statement[];
        readonly whenFalse: readonly Statement[];
      }
    | { readonly kind: 'pass' }
  );
