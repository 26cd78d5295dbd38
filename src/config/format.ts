import { parseDocument, visit } from 'yaml';

/**
 * The text in canonical style: two spaces, lists indented below their key, one space before comments; comments, the
 * order of keys and every value stay. Text that is no YAML comes back as it is: `readConfig` says what is wrong with it.
 */
export function formatConfig(text: string): string {
  const document = parseDocument(text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n'), { version: '1.2', merge: false, uniqueKeys: false, logLevel: 'silent' });
  if (document.errors.length > 0) return text;
  visit(document, {
    Scalar(_, node) {
      if (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE') node.type = 'PLAIN';
    },
  });
  return document.toString({ indent: 2, lineWidth: 0, singleQuote: true, flowCollectionPadding: true });
}
