// What the TypeScript compiler's own parser finds in the files named on standard input, a JSON line a file.
//
// Classes, interfaces, enums, type aliases, functions and methods as [kind, name, line]; functions and methods are also
// variables, members and assignments whose value is a function, classes those whose value is a class. The first argument is
// the folder of the package `typescript`, which has to be one with the compiler API (version 5).
const fs = require('fs');
const ts = require(process.argv[2]);
const K = ts.SyntaxKind;

function valueKind(value) {
  if (!value) return null;
  if (value.kind === K.ArrowFunction || value.kind === K.FunctionExpression) return 'function';
  if (value.kind === K.ClassExpression) return 'class';
  return null;
}

function kindOf(node) {
  switch (node.kind) {
    case K.ClassDeclaration: return 'class';
    case K.InterfaceDeclaration: return 'interface';
    case K.EnumDeclaration: return 'enum';
    case K.TypeAliasDeclaration: return 'type';
    case K.FunctionDeclaration: return 'function';
    case K.MethodDeclaration:
    case K.Constructor:
    case K.GetAccessor:
    case K.SetAccessor: return 'function';
    case K.MethodSignature: return node.parent.kind === K.InterfaceDeclaration ? 'function' : null;
    case K.PropertyDeclaration: return valueKind(node.initializer);
    case K.VariableDeclaration: return node.name.kind === K.Identifier ? valueKind(node.initializer) : null;
    case K.BinaryExpression:
      return node.operatorToken.kind === K.EqualsToken && node.left.kind === K.PropertyAccessExpression
        ? valueKind(node.right) : null;
    default: return null;
  }
}

function symbols(path) {
  const source = ts.createSourceFile(path, fs.readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const found = [];
  const visit = (node) => {
    const kind = kindOf(node);
    const name = node.kind === K.BinaryExpression ? node.left.name : node.name;
    if (kind && (name || node.kind === K.Constructor)) {
      found.push([kind, node.kind === K.Constructor ? 'constructor' : name.getText(source)]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

for (const path of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  console.log(JSON.stringify(symbols(path)));
}
