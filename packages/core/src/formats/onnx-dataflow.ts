import type { onnx } from '#onnx';

/** The bodies of a loop or branch. */
export function bodiesOf({ attribute }: onnx.INodeProto): onnx.IGraphProto[] {
  return (attribute ?? []).flatMap(({ g, graphs }) => [...(g ? [g] : []), ...(graphs ?? [])]);
}

/** Nodes, each followed by those of its bodies, at any depth. */
export function* withInnerNodes(nodes: readonly onnx.INodeProto[]): Generator<onnx.INodeProto> {
  for (const node of nodes) {
    yield node;
    for (const body of bodiesOf(node)) yield* withInnerNodes(body.node ?? []);
  }
}

/** The values that a node reads, those that the bodies of its loops and branches take from around them among them. */
export function valuesReadBy(node: onnx.INodeProto): string[] {
  const own = (node.input ?? []).filter((name) => name !== '');
  return [...own, ...bodiesOf(node).flatMap(valuesReadInside)];
}

/** Names that a body makes itself may be among them: a value of the same name outside is then read for nothing. */
function valuesReadInside({ node, output }: onnx.IGraphProto): string[] {
  return [...(node ?? []).flatMap(valuesReadBy), ...(output ?? []).flatMap(({ name }) => name ?? [])];
}

/** Indices of the nodes, in their order, without which the values cannot be computed. Cost: linear in the graph. */
export function nodesFor(nodes: readonly onnx.INodeProto[], values: Iterable<string>): Set<number> {
  const producer = new Map(nodes.flatMap(({ output }, index) => (output ?? []).map((name) => [name, index] as const)));
  const needed = new Set<number>();
  const open = [...values];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    const index = producer.get(value);
    if (index === undefined || needed.has(index)) continue;
    needed.add(index);
    open.push(...valuesReadBy(nodes[index] as onnx.INodeProto));
  }
  return needed;
}
