import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Memory of a value: a block of the arena, an external or a constant, and where in it the value starts.
struct Place: Sendable {
  enum Base: Equatable, Sendable { case block(Int), external(Int), constant(UInt) }
  var base: Base
  var offset = 0
}

/// A node with steps, and where its operands lie.
struct PlacedNode: Sendable {
  /// Index in the graph; -1 for a copy of a value into an output.
  let node: Int
  let kernel: Kernel
  /// Inputs, then outputs.
  let operands: [Place]
  let inputCount: Int
  let scratch: Int?
  /// The input whose block output 0 was written over.
  let reused: Int?
}

/// The second phase of planning: who reads what, until when, and which values share memory.
struct Placement {
  private let graph: Graph
  private let threads: Int
  private let nodes: [Int]
  private let resolution: Resolution
  /// Positions behind which nothing reads a value.
  private var lastUse: [Int]

  private(set) var places: [Place?]
  /// Values that this segment makes.
  private var isMade: [Bool]
  private(set) var blocks: [ArenaBlock] = []
  private(set) var externals = ContiguousArray<External>()
  private(set) var placed: [PlacedNode] = []
  /// For each position, the index in `placed`, or -1.
  private(set) var placedIndex: [Int]
  private(set) var deferred: [Int] = []
  private(set) var eagerNode: Int?
  /// Values that later segments read, in order.
  private(set) var crossing: [ValueID] = []
  /// Blocks that lie in the memory of an output.
  private(set) var moved: [Int: Int] = [:]
  /// The copies that outputs take which cannot lie in their values' blocks.
  private(set) var copies: [(placed: PlacedNode, output: ValueID)] = []

  init(_ nodes: [Int], _ resolution: Resolution, _ poll: inout BuildPoll) throws(PinionError) {
    graph = resolution.program.graph
    threads = resolution.program.executor.threads
    self.nodes = nodes
    self.resolution = resolution
    places = [Place?](repeating: nil, count: graph.values.count)
    isMade = [Bool](repeating: false, count: graph.values.count)
    placedIndex = [Int](repeating: -1, count: nodes.count)
    lastUse = [Int](repeating: -1, count: graph.values.count)
    for (position, index) in nodes.enumerated() {
      try poll.count(4 &+ graph.nodes[index].inputs.count)
      for case let input? in graph.nodes[index].inputs { lastUse[input.index] = position }
    }
    // A block that holds an output of the graph, under whatever name, is in use to the end: nothing is written over it.
    for output in graph.outputs { lastUse[output.index] = .max }
    for position in nodes.indices {
      let index = nodes[position]
      try poll.count(64)
      switch resolution.outcomes[position] {
      case .postponed(let isReady): postpone(index, isReady: isReady)
      case .known: break
      case .view(let views): try view(graph.nodes[index], views, position: position, &poll)
      case .computed(let kernel, let outputs, let over): try compute(index, kernel, outputs, over: over, position: position, &poll)
      }
    }
    try finish(&poll)
  }

  /// Leaves a node for later segments. It may stand before nodes of this one, so what it reads must outlast them all.
  private mutating func postpone(_ index: Int, isReady: Bool) {
    for case let input? in graph.nodes[index].inputs {
      if case .block(let block)? = places[input.index]?.base { blocks[block].last = .max }
    }
    if isReady, eagerNode == nil { eagerNode = index } else { deferred.append(index) }
  }

  private mutating func view(_ node: Node, _ views: [Outcome.View], position: Int, _ poll: inout BuildPoll) throws(PinionError) {
    for (view, output) in zip(views, node.outputs) {
      try poll.count(16)
      guard let input = node.inputs[view.input] else { continue }
      let place = try touch(input, position: position)
      guard let output else { continue }
      places[output.index] = Place(base: place.base, offset: place.offset &+ view.offset)
      isMade[output.index] = true
      if case .block(let block) = place.base { blocks[block].last = max(blocks[block].last, lastUse[output.index]) }
    }
  }

  private mutating func compute(
    _ index: Int, _ kernel: Kernel, _ outputs: [TensorType], over: [Int], position: Int, _ poll: inout BuildPoll
  ) throws(PinionError) {
    let node = graph.nodes[index]
    let reused = reusableInput(node, over: over, output: outputs.first, position: position)
    var operands: [Place] = []
    operands.reserveCapacity(node.inputs.count + outputs.count)
    for (slot, input) in node.inputs.enumerated() {
      try poll.count(32)
      guard let input, !resolution.leavesUnread(input, slot, kernel) else {
        operands.append(Place(base: .constant(0)))
        continue
      }
      operands.append(try touch(input, position: position))
    }
    for (slot, type) in outputs.enumerated() {
      try poll.count(16)
      let last = node.outputs[slot].map { lastUse[$0.index] } ?? position
      let place: Place
      if slot == 0, let reused, case .block(let block) = operands[reused].base {
        blocks[block].last = max(position, last)
        place = operands[reused]
      } else {
        place = Place(base: .block(blocks.count))
        blocks.append(ArenaBlock(bytes: type.byteCount, first: position, last: max(position, last)))
      }
      operands.append(place)
      if let output = node.outputs[slot] {
        places[output.index] = place
        isMade[output.index] = true
      }
    }
    var scratch: Int?
    let bytes = try kernel.scratchBytes(threads: threads)
    if bytes > 0 {
      scratch = blocks.count
      blocks.append(ArenaBlock(bytes: bytes, first: position, last: position))
    }
    placedIndex[position] = placed.count
    placed.append(
      PlacedNode(node: index, kernel: kernel, operands: operands, inputCount: node.inputs.count, scratch: scratch, reused: reused))
  }

  /// The place of an input that is about to be read.
  private mutating func touch(_ value: ValueID, position: Int) throws(PinionError) -> Place {
    if let place = places[value.index] {
      if case .block(let block) = place.base { blocks[block].last = max(blocks[block].last, position) }
      return place
    }
    let place: Place
    if case .constant(let tensor) = resolution.knowledge[value.index] {
      place = Place(base: .constant(UInt(bitPattern: try tensor.kept(resolution.control).data)))
    } else {
      externals.append(.value(value))
      place = Place(base: .external(externals.count - 1))
    }
    places[value.index] = place
    return place
  }

  /// The input that dies here and whose block the operator can write its first output over.
  private func reusableInput(_ node: Node, over: [Int], output: TensorType?, position: Int) -> Int? {
    guard let output else { return nil }
    // Of very many inputs only the first are looked at, each of which is compared with all.
    for slot in over.prefix(16) {
      guard slot < node.inputs.count, let input = node.inputs[slot], let place = places[input.index], place.offset == 0,
        case .block(let block) = place.base, blocks[block].bytes == output.byteCount, blocks[block].last <= position,
        lastUse[input.index] <= position,
        node.inputs.indices.allSatisfy({ $0 == slot || node.inputs[$0].flatMap { places[$0.index]?.base } != place.base })
      else { continue }
      return slot
    }
    return nil
  }

  private mutating func finish(_ poll: inout BuildPoll) throws(PinionError) {
    let end = nodes.count
    var isNeeded = [Bool](repeating: false, count: graph.values.count)
    for index in deferred + (eagerNode.map { [$0] } ?? []) {
      try poll.count(16)
      for case let input? in graph.nodes[index].inputs where !isNeeded[input.index] {
        isNeeded[input.index] = true
        // What this segment leaves has no step here, so that what it reads lasts until the segment ends.
        if case .block(let block)? = places[input.index]?.base { blocks[block].last = end }
        if isMade[input.index] { crossing.append(input) }
      }
    }
    crossing.sort()
    try placeOutputs(end: end, &poll)
  }

  /// Makes the graph's outputs lie in memory that outlives the run, by copies where need be.
  private mutating func placeOutputs(end: Int, _ poll: inout BuildPoll) throws(PinionError) {
    var isDone = Set<ValueID>()
    for output in graph.outputs where isMade[output.index] && isDone.insert(output).inserted {
      try poll.count(64)
      guard let place = places[output.index], case .tensor(let type) = resolution.knowledge[output.index] else { continue }
      externals.append(.output(output, type))
      let external = externals.count - 1
      if case .block(let block) = place.base, place.offset == 0, blocks[block].bytes == type.byteCount, moved[block] == nil {
        moved[block] = external
      } else {
        if case .block(let block) = place.base, moved[block] == nil { blocks[block].last = end }
        copies.append(
          (
            PlacedNode(
              node: -1, kernel: .copy(bytes: type.byteCount), operands: [place, Place(base: .external(external))], inputCount: 1, scratch: nil,
              reused: nil), output
          ))
      }
    }
  }

  /// The place after blocks have moved into outputs.
  func settled(_ place: Place) -> Place {
    guard case .block(let block) = place.base, let external = moved[block] else { return place }
    return Place(base: .external(external), offset: place.offset)
  }
}

extension Resolution {
  /// Whether an operand is a constant that nobody looks at, so that its elements need not be there.
  func leavesUnread(_ value: ValueID, _ slot: Int, _ kernel: Kernel) -> Bool {
    guard case .constant = knowledge[value.index] else { return false }
    return isDry || kernel.unreadInputs.contains(slot)
  }
}

extension Kernel {
  /// Copies input 0.
  static func copy(bytes: Int) -> Kernel {
    .serial { $0.rawOutput(0).copyMemory(from: $0.rawInput(0), byteCount: bytes) }
  }

  /// Bytes of scratch memory of all lanes together.
  func scratchBytes(threads: Int) throws(PinionError) -> Int {
    let lanes = try alignedUp(laneScratchBytes, to: Buffer.alignment).multiplied(by: threads)
    return try alignedUp(scratchBytes, to: Buffer.alignment).adding(lanes)
  }
}
