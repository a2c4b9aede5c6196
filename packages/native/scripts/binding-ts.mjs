// What check-binding.mjs knows of the TypeScript face, read from its syntax trees.

import ts from 'typescript';

const parse = (text) => ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, true);

// The members of the interface AddonBinding: name → parameters, each { name, type }, of functions; [] of values.
export function addonBinding(text) {
  const members = new Map();
  parse(text).forEachChild((node) => {
    if (!ts.isInterfaceDeclaration(node) || node.name.text !== 'AddonBinding') return;
    for (const member of node.members) {
      const parameters = ts.isMethodSignature(member) ? member.parameters : [];
      members.set(
        member.name.getText(),
        parameters.map((parameter) => ({ name: parameter.name.getText(), type: typeOf(parameter.type.getText()) })),
      );
    }
  });
  return members;
}

// `readonly (Uint8Array | null)[]` as what arguments must be of: `Uint8Array[]`, and `0 | 1` as `number`.
function typeOf(text) {
  if (/^\d+( \| \d+)*$/.test(text)) return 'number';
  return text
    .replace(/\breadonly /g, '')
    .replace(/ \| null/g, '')
    .replace(/[()]/g, '');
}

function variablesOf(text) {
  return parse(text)
    .statements.filter(ts.isVariableStatement)
    .flatMap((statement) => statement.declarationList.declarations);
}

function numberOf(expression) {
  const value = Number(expression?.getText());
  return Number.isNaN(value) ? undefined : value;
}

// The value of the constant of that name in any of the sources.
export function constantOf(sources, name) {
  const found = sources.flatMap(variablesOf).find((variable) => variable.name.getText() === name);
  return numberOf(found?.initializer);
}

// The objects NAME_CODES of a source: name → key → code.
export function codesOf(text) {
  const tables = variablesOf(text).filter(
    (variable) => variable.name.getText().endsWith('_CODES') && ts.isObjectLiteralExpression(variable.initializer),
  );
  return tables.map((variable) => [
    variable.name.getText(),
    new Map(
      variable.initializer.properties.map((property) => [
        property.name.getText().replace(/['"]/g, ''),
        numberOf(property.initializer),
      ]),
    ),
  ]);
}
