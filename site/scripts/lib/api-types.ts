import type {
  DeclarationReflection,
  ParameterReflection,
  SignatureReflection,
  SomeType,
  TypeParameterReflection,
} from 'typedoc';

/** Types and signatures as HTML in which names of this library are links. */

/** Gives the address of an exported name, `null` for names of others. */
export type Finder = (name: string) => string | null;

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('{', '&#123;')
    .replaceAll('}', '&#125;')
    .replaceAll('*', '&#42;')
    .replaceAll('_', '&#95;')
    .replaceAll('`', '&#96;')
    .replaceAll('[', '&#91;');
}

/** Prints types. */
export class TypePrinter {
  readonly #find: Finder;

  constructor(find: Finder) {
    this.#find = find;
  }

  /** A name, as a link where it is one of this library. */
  name(name: string): string {
    const address = this.#find(name);
    return address === null ? escaped(name) : `<a href="${address}">${escaped(name)}</a>`;
  }

  /** A type; `inside` says that it stands where a union needs parentheses. */
  type(type: SomeType | undefined, inside = false): string {
    if (type === undefined) return 'unknown';
    const several = (types: readonly SomeType[], joint: string) => {
      const text = types.map((part) => this.type(part, true)).join(joint);
      return inside ? `(${text})` : text;
    };
    switch (type.type) {
      case 'intrinsic':
        return escaped(type.name);
      case 'literal':
        return escaped(typeof type.value === 'bigint' ? `${type.value}n` : JSON.stringify(type.value)).replaceAll(
          '"',
          "'",
        );
      case 'reference': {
        const args = type.typeArguments?.map((argument) => this.type(argument)) ?? [];
        const name = this.name(type.name);
        return args.length === 0 ? name : `${name}&lt;${args.join(', ')}&gt;`;
      }
      case 'array':
        return `${this.type(type.elementType, true)}&#91;]`;
      case 'tuple':
        return `&#91;${type.elements.map((element) => this.type(element)).join(', ')}]`;
      case 'namedTupleMember':
        return `${escaped(type.name)}${type.isOptional ? '?' : ''}: ${this.type(type.element)}`;
      case 'union':
        return several(type.types, ' | ');
      case 'intersection':
        return several(type.types, ' &amp; ');
      case 'optional':
        return `${this.type(type.elementType, true)}?`;
      case 'rest':
        return `...${this.type(type.elementType, true)}`;
      case 'typeOperator':
        return `${type.operator} ${this.type(type.target, true)}`;
      case 'indexedAccess':
        return `${this.type(type.objectType, true)}&#91;${this.type(type.indexType)}]`;
      case 'query':
        return `typeof ${this.type(type.queryType)}`;
      case 'predicate': {
        const asserts = type.asserts ? 'asserts ' : '';
        return `${asserts}${escaped(type.name)}${type.targetType === undefined ? '' : ` is ${this.type(type.targetType)}`}`;
      }
      case 'conditional': {
        const condition = `${this.type(type.checkType, true)} extends ${this.type(type.extendsType, true)}`;
        const text = `${condition} ? ${this.type(type.trueType)} : ${this.type(type.falseType)}`;
        return inside ? `(${text})` : text;
      }
      case 'inferred':
        return `infer ${escaped(type.name)}`;
      case 'mapped': {
        const readonly =
          type.readonlyModifier === '+' ? 'readonly ' : type.readonlyModifier === '-' ? '-readonly ' : '';
        const optional = type.optionalModifier === '+' ? '?' : type.optionalModifier === '-' ? '-?' : '';
        const key = `&#91;${escaped(type.parameter)} in ${this.type(type.parameterType)}]`;
        return `&#123; ${readonly}${key}${optional}: ${this.type(type.templateType)} &#125;`;
      }
      case 'templateLiteral': {
        const tail = type.tail.map(([part, text]) => `$&#123;${this.type(part)}&#125;${escaped(text)}`).join('');
        return `&#96;${escaped(type.head)}${tail}&#96;`;
      }
      case 'reflection':
        return this.#object(type.declaration, inside);
      default:
        return escaped(type.toString());
    }
  }

  #object(declaration: DeclarationReflection, inside: boolean): string {
    const { signatures = [], children = [], indexSignatures = [] } = declaration;
    const [only] = signatures;
    if (children.length === 0 && signatures.length === 1 && only !== undefined) {
      const text = `${this.parameters(only)} =&gt; ${this.type(only.type)}`;
      return inside ? `(${text})` : text;
    }
    const members = [
      ...signatures.map((signature) => `${this.parameters(signature)}: ${this.type(signature.type)}`),
      ...indexSignatures.map((signature) => {
        const [key] = signature.parameters ?? [];
        return `&#91;${escaped(key?.name ?? 'key')}: ${this.type(key?.type)}]: ${this.type(signature.type)}`;
      }),
      ...children.map((child) => this.member(child)),
    ];
    return members.length === 0 ? '&#123;&#125;' : `&#123; ${members.join('; ')} &#125;`;
  }

  /** A member of an object type, in one line. */
  member(child: DeclarationReflection): string {
    const optional = child.flags.isOptional ? '?' : '';
    const [signature] = child.signatures ?? [];
    if (signature !== undefined)
      return `${escaped(child.name)}${optional}${this.parameters(signature)}: ${this.type(signature.type)}`;
    const readonly = child.flags.isReadonly ? 'readonly ' : '';
    const type = child.type ?? child.getSignature?.type;
    return `${readonly}${escaped(child.name)}${optional}: ${this.type(type)}`;
  }

  /** `<T>(a: A, b?: B)` */
  parameters(signature: SignatureReflection): string {
    const list = (signature.parameters ?? []).map((parameter) => this.#parameter(parameter));
    const short = list.join(', ');
    return `${this.typeParameters(signature.typeParameters)}(${short})`;
  }

  #parameter(parameter: ParameterReflection): string {
    const rest = parameter.flags.isRest ? '...' : '';
    const optional = parameter.flags.isOptional || parameter.defaultValue !== undefined ? '?' : '';
    // Neither is a name that means something to a reader: of a pattern, and of one that the default ignores.
    const name = parameter.name === '__namedParameters' ? 'options' : parameter.name.replace(/^_(?=\w)/, '');
    return `${rest}${escaped(name)}${optional}: ${this.type(parameter.type)}`;
  }

  typeParameters(parameters: readonly TypeParameterReflection[] | undefined): string {
    if (parameters === undefined || parameters.length === 0) return '';
    const list = parameters.map((parameter) => {
      const constant = parameter.flags.isConst ? 'const ' : '';
      const bound = parameter.type === undefined ? '' : ` extends ${this.type(parameter.type)}`;
      const fallback = parameter.default === undefined ? '' : ` = ${this.type(parameter.default)}`;
      return `${constant}${escaped(parameter.name)}${bound}${fallback}`;
    });
    return `&lt;${list.join(', ')}&gt;`;
  }
}
