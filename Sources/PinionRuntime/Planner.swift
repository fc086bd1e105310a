import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Builds one segment of a graph's plan.
struct Planner {
  /// Bytes up to which a node whose inputs are all known is computed while planning, once and not in each run.
  static let foldLimit = 4 << 20

  let graph: Graph
  let backend: any Backend
  let executor: StageExecutor
  let packed: PackedWeights
  let allocator: Allocator
  let useCounts: [Int]
  /// Leaves kernels out: for questions about shapes and memory only.
  let dryRun: Bool
  /// Goes on behind a node that fails, whose outputs then stay unknown.
  var skipsFailures = false

  private var knowledge: [Knowledge]
  private var places: [Place?]
  /// Values that this segment makes.
  private var made: Set<ValueID> = []
  private var blocks: [ArenaBlock] = []
  private var externals = ContiguousArray<External>()
  private var externalOfValue: [ValueID: Int] = [:]
  private var planned: [PlannedNode] = []
  private var deferred: [Int] = []
  private var eagerNode: Int?

  /// Memory of a value: a block of the arena, an external or a constant, and where in it the value starts.
  private struct Place {
    enum Base: Equatable { case block(Int), external(Int), constant(UInt) }
    var base: Base
    var offset = 0
  }

  private struct PlannedNode {
    let node: Int
    let kernel: Kernel
    var operands: [Place]
    let inputCount: Int
    var scratch: Int?
  }

  init(
    graph: Graph, knowledge: [Knowledge], backend: any Backend, executor: StageExecutor, packed: PackedWeights, allocator: Allocator,
    useCounts: [Int], dryRun: Bool = false
  ) {
    self.graph = graph
    self.knowledge = knowledge
    self.backend = backend
    self.executor = executor
    self.packed = packed
    self.allocator = allocator
    self.useCounts = useCounts
    self.dryRun = dryRun
    places = [Place?](repeating: nil, count: graph.values.count)
  }

  /// Plans as many of `nodes`, in order, as can be planned with what is known.
  mutating func segment(nodes: [Int]) throws(PinionError) -> Segment {
    var lastUse = [Int](repeating: -1, count: graph.values.count)
    for (position, index) in nodes.enumerated() {
      for case let input? in graph.nodes[index].inputs { lastUse[input.index] = position }
    }
    // A block that holds an output of the graph, under whatever name, is in use to the end: nothing is written over it.
    for output in graph.outputs { lastUse[output.index] = .max }
    for (position, index) in nodes.enumerated() {
      let node = graph.nodes[index]
      do { try plan(node, index: index, position: position, lastUse: lastUse) } catch {
        guard !skipsFailures else {
          postpone(index, isReady: false)
          continue
        }
        throw node.locate(error, inputTypes: node.inputs.map { describe($0) })
      }
    }
    return try finish(positions: nodes.count)
  }

  /// The nodes that have steps, in order.
  var plannedNodes: [Int] { planned.map(\.node) }

  private func describe(_ value: ValueID?) -> String {
    guard let value else { return "-" }
    return switch knowledge[value.index] {
    case .constant(let tensor): tensor.type.description
    case .tensor(let type): type.description
    case .other: graph[value].type?.description ?? "?"
    case .unknown: "?"
    }
  }

  /// Leaves a node for later segments. It may stand before nodes of this one, so what it reads must outlast them all.
  private mutating func postpone(_ index: Int, isReady: Bool) {
    for case let input? in graph.nodes[index].inputs {
      if case .block(let block)? = places[input.index]?.base { blocks[block].last = .max }
    }
    if isReady, eagerNode == nil { eagerNode = index } else { deferred.append(index) }
  }

  private mutating func plan(_ node: Node, index: Int, position: Int, lastUse: [Int]) throws(PinionError) {
    var types: [TensorType?] = []
    var values: [Tensor?] = []
    var isPlannable = node.subgraphs.isEmpty
    for input in node.inputs {
      guard let input else {
        types.append(nil)
        values.append(nil)
        continue
      }
      switch knowledge[input.index] {
      case .unknown: return postpone(index, isReady: false)
      case .other:
        isPlannable = false
        types.append(nil)
        values.append(nil)
      case .constant(let tensor):
        types.append(tensor.type)
        values.append(tensor)
      case .tensor(let type):
        types.append(type)
        values.append(nil)
      }
    }
    guard isPlannable else { return postpone(index, isReady: true) }

    let inference = InferenceContext(schema: node.schema, inputs: types, values: values, outputCount: node.outputs.count)
    var outputs: [TensorType]
    do { outputs = try node.op.outputTypes(inference) } catch {
      guard error.code == .dataDependent else { throw error }
      if try fold(node, types: types, values: values, outputBytes: nil) { return }
      return postpone(index, isReady: true)
    }
    guard outputs.count >= node.outputs.count else {
      throw .invalidModel("the node names \(node.outputs.count) outputs, the operator has \(outputs.count)")
    }
    outputs.removeLast(outputs.count - node.outputs.count)
    let outputBytes = outputs.reduce(0) { $0 &+ $1.byteCount }
    if try fold(node, types: types, values: values, outputBytes: outputBytes) { return }

    let context = KernelContext(inference: inference, outputs: outputs, threads: executor.threads, packed: packed)
    if try alias(node, context, outputs: outputs, position: position, lastUse: lastUse) { return }

    let kernel: Kernel
    if dryRun {
      kernel = Kernel(stages: [])
    } else {
      do { kernel = try backend.kernel(for: node.op, context) } catch {
        guard error.code == .dataDependent else { throw error }
        return postpone(index, isReady: true)
      }
    }
    let reused = reusableBlock(node, context, output: outputs.first, position: position, lastUse: lastUse)
    var operands: [Place] = []
    for input in node.inputs {
      operands.append(input.map { touch($0, position: position, lastUse: lastUse) } ?? Place(base: .constant(0)))
    }
    for (slot, type) in outputs.enumerated() {
      let last = node.outputs[slot].map { lastUse[$0.index] } ?? position
      let block: Int
      if slot == 0, let reused {
        block = reused
        blocks[block].last = max(position, last)
      } else {
        block = blocks.count
        blocks.append(ArenaBlock(bytes: type.byteCount, first: position, last: max(position, last)))
      }
      let place = Place(base: .block(block))
      operands.append(place)
      if let output = node.outputs[slot] {
        places[output.index] = place
        knowledge[output.index] = .tensor(type)
        made.insert(output)
      }
    }
    var scratch: Int?
    let shared = try alignedUp(kernel.scratchBytes, to: Buffer.alignment)
    let lanes = try alignedUp(kernel.laneScratchBytes, to: Buffer.alignment).multiplied(by: executor.threads)
    if shared + lanes > 0 {
      scratch = blocks.count
      blocks.append(ArenaBlock(bytes: try shared.adding(lanes), first: position, last: position))
    }
    planned.append(PlannedNode(node: index, kernel: kernel, operands: operands, inputCount: node.inputs.count, scratch: scratch))
  }

  /// Computes a node whose inputs are all known and whose outputs are small.
  private mutating func fold(_ node: Node, types: [TensorType?], values: [Tensor?], outputBytes: Int?) throws(PinionError) -> Bool {
    guard type(of: node.op).isDeterministic else { return false }
    var values = values
    let typeOnly = type(of: node.op).typeOnlyInputs
    for (slot, input) in node.inputs.enumerated() where input != nil && values[slot] == nil {
      guard let type = types[slot], typeOnly.contains(slot), let other = values.lazy.compactMap({ $0 }).first else {
        return try foldShape(node, types: types)
      }
      // Nothing is read through it.
      values[slot] = Tensor(type, data: other.data, owner: other.owner)
    }
    let inputBytes = values.reduce(0) { $0 &+ ($1?.byteCount ?? 0) }
    guard (outputBytes ?? inputBytes) <= Planner.foldLimit else { return false }
    let context = EagerContext(
      allocator: allocator, control: RunControl(), outputCount: node.outputs.count, subgraphs: nil, executor: executor, packed: PackedWeights(),
      inputsAreConstant: true)
    let results = try backend.execute(node.op, values.map { $0.map(Value.tensor) }, context)
    guard results.count >= node.outputs.count else { throw .internal("the node has too few results") }
    for (slot, output) in node.outputs.enumerated() {
      guard let output else { continue }
      guard case .tensor(let tensor) = results[slot] else { return false }
      setConstant(tensor, for: output)
    }
    return true
  }

  /// Knows the result of an operator that looks at nothing but the shape of its input.
  private mutating func foldShape(_ node: Node, types: [TensorType?]) throws(PinionError) -> Bool {
    guard let op = node.op as? any ShapeReading, let output = node.outputs.first ?? nil, let type = types.first ?? nil else { return false }
    setConstant(try op.read(type), for: output)
    return true
  }

  private mutating func setConstant(_ tensor: Tensor, for value: ValueID) {
    knowledge[value.index] = .constant(tensor)
  }

  /// Lets the outputs lie where input 0 does, for a node with nothing to compute.
  private mutating func alias(
    _ node: Node, _ context: KernelContext, outputs: [TensorType], position: Int, lastUse: [Int]
  ) throws(PinionError) -> Bool {
    guard let input = node.inputs.first ?? nil else { return false }
    var offsets: [Int] = []
    for slot in outputs.indices {
      guard let offset = backend.aliasOffset(of: node.op, output: slot, context) else { return false }
      offsets.append(offset)
    }
    let place = touch(input, position: position, lastUse: lastUse)
    for (slot, output) in node.outputs.enumerated() {
      guard let output else { continue }
      places[output.index] = Place(base: place.base, offset: place.offset &+ offsets[slot])
      knowledge[output.index] = .tensor(outputs[slot])
      made.insert(output)
      if case .block(let block) = place.base { blocks[block].last = max(blocks[block].last, lastUse[output.index]) }
    }
    return true
  }

  /// The place of an input that is about to be read.
  private mutating func touch(_ value: ValueID, position: Int, lastUse: [Int]) -> Place {
    if let place = places[value.index] {
      if case .block(let block) = place.base { blocks[block].last = max(blocks[block].last, position) }
      return place
    }
    let place: Place
    if case .constant(let tensor) = knowledge[value.index] {
      place = Place(base: .constant(UInt(bitPattern: tensor.data)))
    } else {
      externals.append(.value(value))
      place = Place(base: .external(externals.count - 1))
    }
    places[value.index] = place
    return place
  }

  /// The block of an input that dies here and that the operator can write its first output over.
  private func reusableBlock(_ node: Node, _ context: KernelContext, output: TensorType?, position: Int, lastUse: [Int]) -> Int? {
    guard let output else { return nil }
    for slot in backend.reusableInputs(of: node.op, context) {
      guard slot < node.inputs.count, let input = node.inputs[slot], let place = places[input.index], place.offset == 0,
        case .block(let block) = place.base, blocks[block].bytes == output.byteCount, blocks[block].last <= position,
        lastUse[input.index] <= position,
        node.inputs.indices.allSatisfy({ $0 == slot || node.inputs[$0].flatMap { places[$0.index]?.base } != place.base })
      else { continue }
      return block
    }
    return nil
  }

  private mutating func finish(positions: Int) throws(PinionError) -> Segment {
    var needed = Set<ValueID>()
    for index in deferred + (eagerNode.map { [$0] } ?? []) {
      for case let input? in graph.nodes[index].inputs { needed.insert(input) }
    }
    // What an earlier segment could not plan has no step here, so its block lasts until the segment ends.
    for value in needed {
      if case .block(let block)? = places[value.index]?.base { blocks[block].last = positions }
    }
    let copies = try placeOutputs(positions: positions)

    let arenaBytes = try layOut(&blocks)
    func location(_ place: Place) -> Location {
      switch place.base {
      case .block(let block): .arena(offset: blocks[block].offset &+ place.offset)
      case .external(let external): .external(external, offset: place.offset)
      case .constant(let address): .constant(address == 0 ? 0 : address &+ UInt(bitPattern: place.offset))
      }
    }
    var steps: [Step] = []
    var operands: [Location] = []
    var inputTypes: [Int: [TensorType?]] = [:]
    for node in planned + copies {
      let scratch = node.scratch.map { blocks[$0].offset } ?? 0
      let shared = try alignedUp(node.kernel.scratchBytes, to: Buffer.alignment)
      for stage in node.kernel.stages {
        steps.append(
          Step(
            stage: stage, node: node.node, operands: operands.count, inputCount: node.inputCount, scratchOffset: scratch,
            laneScratchOffset: scratch &+ shared, laneScratchBytes: try alignedUp(node.kernel.laneScratchBytes, to: Buffer.alignment)))
      }
      operands += node.operands.map(location)
      if node.node >= 0 {
        inputTypes[node.node] = graph.nodes[node.node].inputs.map { input in
          guard let input else { return nil }
          return switch knowledge[input.index] {
          case .constant(let tensor): tensor.type
          case .tensor(let type): type
          default: nil
          }
        }
      }
    }
    var crossings: [Crossing] = []
    for value in needed.sorted() where made.contains(value) {
      guard let place = places[value.index], case .tensor(let type) = knowledge[value.index] else { continue }
      crossings.append(Crossing(value: value, type: type, location: location(place)))
    }
    return Segment(
      steps: steps, operands: operands, externals: externals, crossings: crossings, arenaBytes: arenaBytes, eagerNode: eagerNode,
      knowledge: knowledge, remaining: deferred, inputTypes: inputTypes, bindings: bindings())
  }

  /// What the caller gives for each external, where this segment is all there is to run and each output is one of them.
  private func bindings() -> ContiguousArray<Binding>? {
    guard eagerNode == nil, deferred.isEmpty, graph.captures.isEmpty else { return nil }
    var result = ContiguousArray<Binding>()
    var outputs = 0
    for external in externals {
      switch external {
      case .value(let value):
        guard let position = graph.inputs.firstIndex(of: value) else { return nil }
        result.append(.input(position))
      case .output(let value, let type):
        guard type.element != .string, let position = graph.outputs.firstIndex(of: value) else { return nil }
        result.append(.output(position, type))
        outputs += 1
      }
    }
    return outputs == graph.outputs.count ? result : nil
  }

  /// Makes the graph's outputs lie in memory that outlives the run; returns the copies that takes.
  private mutating func placeOutputs(positions: Int) throws(PinionError) -> [PlannedNode] {
    var copies: [PlannedNode] = []
    var done = Set<ValueID>()
    var moved: [Int: Int] = [:]
    for output in graph.outputs where made.contains(output) && done.insert(output).inserted {
      guard let place = places[output.index], case .tensor(let type) = knowledge[output.index] else { continue }
      externals.append(.output(output, type))
      let external = externals.count - 1
      if case .block(let block) = place.base, place.offset == 0, blocks[block].bytes == type.byteCount, moved[block] == nil {
        moved[block] = external
      } else {
        let bytes = type.byteCount
        var source = place
        if case .block(let block) = place.base {
          if let external = moved[block] { source.base = .external(external) } else { blocks[block].last = positions }
        }
        copies.append(
          PlannedNode(
            node: -1, kernel: .serial { $0.rawOutput(0).copyMemory(from: $0.rawInput(0), byteCount: bytes) },
            operands: [source, Place(base: .external(external))], inputCount: 1, scratch: nil))
      }
    }
    func relocate(_ place: inout Place) {
      if case .block(let block) = place.base, let external = moved[block] { place.base = .external(external) }
    }
    for index in planned.indices {
      for slot in planned[index].operands.indices { relocate(&planned[index].operands[slot]) }
    }
    for index in copies.indices {
      for slot in copies[index].operands.indices { relocate(&copies[index].operands[slot]) }
    }
    for index in places.indices {
      guard var place = places[index] else { continue }
      relocate(&place)
      places[index] = place
    }
    for block in moved.keys { blocks[block] = ArenaBlock(bytes: 0, first: positions + 1, last: positions + 1) }
    return copies
  }
}
